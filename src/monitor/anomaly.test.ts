import { describe, expect, it } from "vitest";
import { conformalPValue, scoreAnomaly } from "./anomaly.ts";
import { row } from "./matrix.ts";
import { seededRandom } from "./random.ts";
import { buildReference } from "./reference.ts";
import { topicMatrix, topicVector } from "./traffic.fixture.ts";

describe("conformalPValue", () => {
  const calibration = Float32Array.of(1, 2, 3, 4);
  it.each([
    [5, 2 / 5],
    [0, 2 / 5],
    [2.5, 1],
    [2, 1],
    [4, 4 / 5],
    [1.5, 4 / 5],
  ])("score %d by hand: %d", (score, p) => {
    expect(conformalPValue(calibration, score)).toBeCloseTo(p, 12);
  });

  it("is symmetric: turning all scores round changes nothing", () => {
    for (const score of [0, 1, 1.5, 2, 3.5, 4, 9]) {
      expect(conformalPValue(calibration.map((x) => -x).sort(), -score)).toBe(conformalPValue(calibration, score));
    }
  });
});

describe("scoreAnomaly", () => {
  const d = 20;
  const random = seededRandom(1);
  const reference = buildReference({
    model: "m",
    inputs: "i",
    embeddings: topicMatrix(3000, d, random),
    blockSize: 16,
    seed: 1,
  });

  it("normal vectors are under 0.05 at most so often", () => {
    let under = 0;
    for (let i = 0; i < 1000; i++) if (scoreAnomaly(reference, topicVector(d, random)).p < 0.05) under++;
    expect(under).toBeLessThan(65);
    expect(under).toBeGreaterThan(10);
  });

  it("is two-sided: too far, too large and too central are all unusual", () => {
    const hub = Float32Array.from(row(reference.centroids, 0));
    expect(scoreAnomaly(reference, hub).pValues.nearestCosine).toBeLessThan(0.01);
    const opposite = Float32Array.from(reference.whitening.mean, (value) => -value);
    expect(scoreAnomaly(reference, opposite).pValues.nearestCosine).toBeLessThan(0.01);
    const long = topicVector(d, random).map((value) => 3 * value);
    expect(scoreAnomaly(reference, long).pValues.norm).toBeLessThan(0.01);
    expect(scoreAnomaly(reference, long).p).toBeLessThan(0.01);
  });

  it("refuses another length", () => {
    expect(() => scoreAnomaly(reference, new Float32Array(3))).toThrow("the vector has 3 numbers, the reference 20");
  });
});
