import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readRequest } from "./read-request.ts";

const byHand = "--dataset URI";
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
  expect(await readRequest(undefined, byHand)).toEqual({ kind: "Train" });
  const file = join(dir, "run.json");
  await writeFile(file, '{"kind":"Evaluate"}');
  expect(await readRequest(file, byHand)).toEqual({ kind: "Evaluate" });
});

it("that is missing, or no JSON, is told by its source", async () => {
  vi.stubEnv("EVENKEEL_RUN", "");
  await expect(readRequest(undefined, byHand)).rejects.toThrow(
    "give it as JSON in EVENKEEL_RUN or as a file by --run, or do it by hand: --dataset URI; see --help",
  );
  await expect(readRequest(join(dir, "gone"), byHand)).rejects.toThrow(
    `--run ${join(dir, "gone")}: there is no such file`,
  );
  vi.stubEnv("EVENKEEL_RUN", "{");
  await expect(readRequest(undefined, byHand)).rejects.toThrow(/^EVENKEEL_RUN is no JSON: /);
});
