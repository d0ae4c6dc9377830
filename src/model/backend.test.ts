import { beforeEach, describe, expect, it, vi } from "vitest";
import type { startBackend as StartBackend } from "./backend.ts";

// A process starts one backend and keeps it; another file may have started one in this process.
let startBackend: typeof StartBackend;
beforeEach(async () => {
  vi.resetModules();
  ({ startBackend } = await import("./backend.ts"));
});

describe("startBackend", () => {
  it("names what may be asked for", async () => {
    await expect(startBackend({ EVENKEEL_BACKEND: "tpu" })).rejects.toThrow(
      "EVENKEEL_BACKEND: tpu is not one of gpu, native, wasm, cpu",
    );
  });
});

describe("without a native build", () => {
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
