import { describe, expect, it } from "vitest";
import { startBackend } from "./backend.ts";

describe("startBackend", () => {
  it("names what may be asked for", async () => {
    await expect(startBackend({ EVENKEEL_BACKEND: "tpu" })).rejects.toThrow(
      "EVENKEEL_BACKEND: tpu is not one of gpu, native, wasm, cpu",
    );
  });
});

describe.sequential("without a native build", () => {
  it("says why a forced one does not start, then falls back and says how to get a faster one", async () => {
    const nowhere = { EVENKEEL_NATIVE: "/nowhere/tfjs_binding.node" };
    await expect(startBackend({ ...nowhere, EVENKEEL_BACKEND: "native" })).rejects.toThrow(
      "EVENKEEL_BACKEND=native: there is none at /nowhere/tfjs_binding.node",
    );
    const backend = await startBackend(nowhere);
    expect(backend.name).toBe("wasm");
    expect(backend.description).toContain("make native");
    expect(await startBackend({ EVENKEEL_BACKEND: "cpu" })).toBe(backend);
  });
});
