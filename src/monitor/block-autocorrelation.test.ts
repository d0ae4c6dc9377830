import { describe, expect, it } from "vitest";
import { blockAutocorrelation, serialCorrelation } from "./block-autocorrelation.ts";
import { matrixOf } from "./matrix.ts";
import { seededRandom } from "./random.ts";
import { buildReference } from "./reference.ts";
import { sketcher } from "./sketch.ts";

/** An AR(1) process of unit variance: z ← φ z + √(1 − φ²) ε in each of d components. */
function process(length: number, d: number, phi: number, seed: number): Float64Array[] {
  const random = seededRandom(seed);
  let z = Float64Array.from({ length: d }, () => random.gaussian());
  return Array.from({ length }, () => {
    z = z.map((value) => phi * value + Math.sqrt(1 - phi * phi) * random.gaussian());
    return z;
  });
}

describe("serialCorrelation", () => {
  it("has the values that follow by hand", () => {
    const turns = Array.from({ length: 40 }, (_, t) => Float64Array.of(t % 2));
    expect(serialCorrelation(turns)?.value).toBeCloseTo(-1, 2);
    // Differences 1, 1, −1, −1, …: their products add up to nothing, so ρ = 0 and φ = 1.
    const slow = Array.from({ length: 41 }, (_, t) => Float64Array.of([0, 1, 2, 1][t % 4]!));
    expect(serialCorrelation(slow)?.value).toBeCloseTo(1, 1);
  });

  it.each([0, 0.2, 0.4, 0.7])("finds φ = %d in a long process", (phi) => {
    expect(serialCorrelation(process(4000, 8, phi, 1))?.value).toBeCloseTo(phi, 1);
  });

  it("is hardly ever over a limit by chance, with as few blocks as a leader has", () => {
    const lowers = Array.from({ length: 500 }, (_, seed) => serialCorrelation(process(32, 8, 0, seed))?.lower ?? 1);
    expect(lowers.filter((lower) => lower > 0.2)).toHaveLength(0);
    expect(lowers.filter((lower) => lower > 0).length).toBeLessThan(10);
  });

  it("sees a plain correlation in as few blocks", () => {
    const lowers = Array.from({ length: 100 }, (_, seed) => serialCorrelation(process(32, 32, 0.6, seed))?.lower ?? 0);
    expect(lowers.filter((lower) => lower > 0.2).length).toBeGreaterThan(90);
  });

  it.each<[string, (t: number) => number]>([
    ["a jump", (t) => (t < 16 ? 0 : 5)],
    ["a slow rise", (t) => t / 4],
  ])("does not take %s for a correlation", (_, level) => {
    const moved = process(32, 8, 0, 3).map((z, t) => z.map((value) => value + level(t)));
    expect(serialCorrelation(moved)?.lower).toBeLessThan(0.2);
  });

  it("is null with too few pairs, or when nothing varies", () => {
    expect(serialCorrelation(process(17, 8, 0.5, 1))).toBeNull();
    expect(serialCorrelation(process(40, 8, 0.5, 1).map((z, t) => (t % 2 ? z : null)))).toBeNull();
    expect(serialCorrelation(Array.from({ length: 40 }, () => Float64Array.of(1)))).toBeNull();
  });
});

it("blockAutocorrelation is that of the whitened means of enough vectors", () => {
  const random = seededRandom(9);
  const embeddings = matrixOf(
    Array.from({ length: 4000 }, () => [100 * random.gaussian(), random.gaussian(), random.gaussian()]),
  );
  const reference = buildReference({ model: "m", inputs: "i", embeddings, seed: 1 });
  const { start, add } = sketcher(reference);
  const sketches = process(400, 3, 0.8, 4).map((mean, block) => {
    const sketch = start(block);
    for (let i = 0; i < 32; i++) add(sketch, Float32Array.of(100 * mean[0]!, mean[1]!, mean[2]!));
    return sketch;
  });
  expect(blockAutocorrelation(sketches, reference, 30)?.value).toBeGreaterThan(0.7);
  expect(blockAutocorrelation(sketches, reference, 64)).toBeNull();
  expect(
    blockAutocorrelation(
      sketches.filter(({ block }) => block % 3),
      reference,
      30,
    ),
  ).toBeNull();
});
