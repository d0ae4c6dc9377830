import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Store } from "./contract.ts";
import { storedResult, storeResult } from "./finished-run.ts";
import { openStore } from "./store.ts";

const parser = z.object({ bundle: z.string() });
const request = { run: "ns/run", seed: 1, dataset: { reference: "a", evaluation: "b" } };

describe("the result of a run that is done", () => {
  let folder: string;
  let runs: Store["runs"];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "evenkeel-finished-"));
    runs = openStore(folder).runs;
  });
  afterAll(() => rm(folder, { recursive: true }));
  const stored = (asked: typeof request) => storedResult(runs, asked, "train.json", parser);

  it("is given to who asks the same, and to nobody who asks something else under its name", async () => {
    expect(await stored(request)).toBeNull();
    await storeResult(runs, request, "train.json", { bundle: "x" });
    const { seed, run, dataset } = request;
    expect(await stored({ dataset, seed, run })).toEqual({ bundle: "x" });
    expect(await stored({ ...request, seed: 2 })).toBeNull();
    expect(await stored({ ...request, dataset: { ...dataset, reference: "c" } })).toBeNull();
  });

  it.each(["", "{", '{"bundle":"x"}', '{"identity":"x","result":{"bundle":"x"}}'])(
    "that cannot be told to be its own is none: %s",
    async (text) => {
      await runs.write(request.run, "train.json", new TextEncoder().encode(text));
      expect(await stored(request)).toBeNull();
    },
  );
});
