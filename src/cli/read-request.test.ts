import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readRequest } from "./read-request.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "evenkeel-request-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it("comes from a file, else from EVENKEEL_RUN", async () => {
  vi.stubEnv("EVENKEEL_RUN", '{"kind":"Train"}');
  expect(await readRequest(undefined)).toEqual({ kind: "Train" });
  const file = join(dir, "run.json");
  await writeFile(file, '{"kind":"Evaluate"}');
  expect(await readRequest(file)).toEqual({ kind: "Evaluate" });
});

it("that is missing, or no JSON, is told by its source", async () => {
  vi.stubEnv("EVENKEEL_RUN", "");
  await expect(readRequest(undefined)).rejects.toThrow("give it as JSON in EVENKEEL_RUN, or as a file by --run");
  await expect(readRequest(join(dir, "gone"))).rejects.toThrow(`--run ${join(dir, "gone")}: there is no such file`);
  vi.stubEnv("EVENKEEL_RUN", "{");
  await expect(readRequest(undefined)).rejects.toThrow(/^EVENKEEL_RUN is no JSON: /);
});
