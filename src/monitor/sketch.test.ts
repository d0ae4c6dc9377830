import { describe, expect, it } from "vitest";
import { CorruptArtefact } from "./artefact.ts";
import { quantile } from "./quantile-sketch.ts";
import { seededRandom } from "./random.ts";
import { buildReference } from "./reference.ts";
import {
  blockStatistics,
  decodeSketch,
  encodeSketch,
  mergeSketches,
  type Sketch,
  SketchMismatch,
  sketcher,
  TooFewVectors,
} from "./sketch.ts";
import { topicMatrix, topicVector } from "./traffic.fixture.ts";

const reference = buildReference({
  model: "sha256:aa",
  inputs: "sha256:bb",
  embeddings: topicMatrix(600, 20, seededRandom(1)),
  blockSize: 16,
  seed: 3,
});
const { start, add } = sketcher(reference);

function sketchOf(vectors: readonly Float32Array[], block = 5): Sketch {
  const sketch = start(block);
  for (const x of vectors) expect(add(sketch, x)).toBe("Added");
  return sketch;
}
const random = seededRandom(2);
const vectors = Array.from({ length: 90 }, () => topicVector(20, random));

describe("sketches", () => {
  it("hold the sums of their vectors", () => {
    const [x, y] = [new Float32Array(20).fill(1), new Float32Array(20).fill(-3)];
    const sketch = sketchOf([x, y]);
    expect(sketch).toMatchObject({ n: 2, block: 5, model: "sha256:aa", reference: reference.hash });
    expect(new Set(sketch.sum)).toEqual(new Set([-2]));
    expect(new Set(sketch.sumSquares)).toEqual(new Set([10]));
    expect(sketch.counts.reduce((a, b) => a + b)).toBe(2);
    expect(blockStatistics(sketch)).toEqual({
      model: "sha256:aa",
      block: 5,
      n: 2,
      mean: new Float64Array(20).fill(-1),
    });
    expect(blockStatistics(start(1)).mean).toHaveLength(0);
  });

  it("merge is union, commutative and associative, and changes neither side", () => {
    const a = sketchOf(vectors.slice(0, 20));
    const b = sketchOf(vectors.slice(20, 55));
    const c = sketchOf(vectors.slice(55));
    const before = structuredClone(a);
    const whole = sketchOf(vectors);
    for (const merged of [
      mergeSketches(mergeSketches(a, b), c),
      mergeSketches(a, mergeSketches(c, b)),
      mergeSketches(mergeSketches(c, a), b),
    ]) {
      expect(merged.n).toBe(90);
      expect(merged.counts).toEqual(whole.counts);
      expect(merged.distances).toEqual(whole.distances);
      for (const field of ["sum", "sumSquares", "fourier"] as const) {
        merged[field].forEach((value, j) => expect(value).toBeCloseTo(whole[field][j]!, 9));
      }
    }
    expect(a).toEqual(before);
  });

  it("do not depend on the order of vectors in counts and quantiles", () => {
    const reversed = sketchOf(vectors.toReversed());
    expect(reversed.counts).toEqual(sketchOf(vectors).counts);
    expect(quantile(reversed.distances, 0.5)).toBe(quantile(sketchOf(vectors).distances, 0.5));
  });

  it.each(["model", "reference", "block"] as const)("another %s does not merge", (field) => {
    const a = sketchOf(vectors);
    expect(() => mergeSketches(a, { ...a, [field]: field === "block" ? 6 : "other" })).toThrow(SketchMismatch);
  });

  it("leave out what is no vector of this model, unchanged", () => {
    const sketch = sketchOf(vectors);
    const before = structuredClone(sketch);
    expect(add(sketch, new Float32Array(19))).toBe("WrongLength");
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      expect(add(sketch, new Float32Array(20).fill(0).with(7, bad))).toBe("NotFinite");
    }
    expect(sketch).toEqual(before);
    expect(add(sketch, new Float32Array(20))).toBe("Added");
  });
});

describe("a sketch's bytes", () => {
  it("come back whole", () => {
    const sketch = sketchOf(vectors);
    expect(decodeSketch(encodeSketch(sketch), reference)).toEqual(sketch);
  });

  it("are about 15 KB at d = 768", () => {
    const wide = buildReference({
      model: "m",
      inputs: "i",
      embeddings: topicMatrix(150, 768, seededRandom(1)),
      blockSize: 8,
      seed: 1,
    });
    const [many, of] = [sketcher(wide), seededRandom(2)];
    const sketch = many.start(1);
    for (let i = 0; i < 40; i++) many.add(sketch, topicVector(768, of));
    expect(encodeSketch(sketch).length).toBeLessThan(16_000);
  });

  it("are refused below 32 vectors", () => {
    expect(() => encodeSketch(sketchOf(vectors.slice(0, 31)))).toThrow(TooFewVectors);
    expect(decodeSketch(encodeSketch(sketchOf(vectors.slice(0, 32))), reference).n).toBe(32);
  });

  it("of another reference are refused", () => {
    const other = { ...reference, hash: "sha256:00" };
    expect(() => decodeSketch(encodeSketch(sketchOf(vectors)), other)).toThrow(SketchMismatch);
  });

  it.each([
    ["sums that are not finite", (s: Sketch) => s.sum.fill(Number.NaN)],
    ["counts that do not add up", (s: Sketch) => s.counts.fill(3)],
    ["quantiles that do not add up", (s: Sketch) => s.distances.buckets.fill(1)],
  ])("with %s are refused", (_, spoil) => {
    const sketch = sketchOf(vectors);
    spoil(sketch);
    expect(() => decodeSketch(encodeSketch(sketch), reference)).toThrow(CorruptArtefact);
  });
});
