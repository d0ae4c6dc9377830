import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attackStepsOf } from "./attack-steps.ts";
import { curveFactors } from "./attacks/epsilon-curve.ts";
import { defaultSettings } from "./settings.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundle-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function bundle(log?: string): Promise<void> {
  const description = {
    modality: "Image",
    shape: [2, 2, 1],
    dimension: 4,
    architecture: "residual-mlp",
    normalise: true,
    seed: 1,
    steps: 1,
    backend: "cpu",
    ...(log !== undefined && { perturbationLog: { file: "perturbations.jsonl", sha256: "0".repeat(64) } }),
  };
  await writeFile(join(folder, "evenkeel.json"), JSON.stringify(description));
  if (log !== undefined) await writeFile(join(folder, "perturbations.jsonl"), log);
}

describe("how long the gating attacks search (decision 19)", () => {
  it.each<[string, string | undefined, number, number]>([
    ["a log whose longest attack had 12 steps", '{"attackSteps":3}\n{"attackSteps":12}\n{"attackSteps":5}\n', 12, 60],
    ["a log of short attacks", '{"attackSteps":3}\n', 3, 50],
    ["a log that is cut short", '{"attackSteps":12}\n{"attackSte', 12, 60],
    ["an empty log", "", 10, 50],
    ["no log", undefined, 10, 50],
  ])("%s", async (_, log, most, steps) => {
    await bundle(log);
    expect(await attackStepsOf(folder)).toBe(most);
    expect(defaultSettings("native", most).budget.steps).toBe(steps);
  });

  it("is at least five times as long as training's, on every backend", () => {
    for (const backend of ["native", "gpu", "wasm", "cpu"] as const)
      for (const most of [1, 10, 11, 40])
        expect(defaultSettings(backend, most).budget.steps).toBeGreaterThanOrEqual(5 * most);
  });

  it("goes to twice the budget in the curve, with the budget itself in it", () => {
    expect(curveFactors.at(-1)).toBe(2);
    expect(curveFactors).toContain(1);
  });
});
