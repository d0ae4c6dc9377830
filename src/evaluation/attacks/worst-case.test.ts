import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { normalise } from "../../model/index.ts";
import { seededRandom } from "../../monitor/index.ts";
import { nearest, vote } from "../neighbours.ts";
import { epsilonCurve } from "./epsilon-curve.ts";
import { maskingChecks } from "./masking.ts";
import type { Embed } from "./objectives.ts";
import { gatingAttacks } from "./suite.ts";
import { embedFlat, type Queries, type Setting, type Victim, worstCase } from "./worst-case.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const side = 4;
const d = side * side;
const random = seededRandom(17);

/** Two kinds of images, bright above or bright below, with noise. */
function samples(n: number): Queries {
  const labels = Int32Array.from({ length: n }, (_, i) => i % 2);
  const inputs = Float32Array.from({ length: n * d }, (_, at) => {
    const bright = (Math.floor((at % d) / side) < side / 2 ? 0 : 1) === labels[Math.floor(at / d)];
    return Math.min(1, Math.max(0, (bright ? 0.65 : 0.35) + 0.08 * random.gaussian()));
  });
  return { inputs, labels };
}

const index = samples(40);
const queries = samples(24);

const linear: Embed = (batch) => {
  const halves = tf.tensor2d(Array.from({ length: d }, (_, i) => (i < d / 2 ? [1, 0.1] : [-1, 0.1])));
  return normalise(tf.matMul(batch.as2D(batch.shape[0] ?? 0, d), halves));
};
/** The same function of coarse pixels, whose gradient is zero everywhere: masked, not robust. */
const masked: Embed = (batch) => linear(tf.div(tf.floor(tf.mul(batch, 6)), 6));

function victimOf(embed: Embed): Victim {
  const shape = [side, side, 1];
  const documents = { vectors: embedFlat({ embed, shape, dimension: 2 }, index.inputs), dimension: 2 };
  const prototypes = Float32Array.of(1, 0, -1, 0);
  const isRight: Victim["isRight"] = (vectors, rows) =>
    Array.from(
      vote(nearest(vectors, documents, 5), index.labels),
      (label, i) => label === queries.labels[rows[i] ?? 0],
    );
  return { embed, shape, dimension: 2, prototypes, isRight };
}

const setting = (epsilon: number): Setting => ({
  ball: { norm: "Linf", epsilon, scales: null, bounded: true },
  budget: { steps: 10, restarts: 1, queries: 40 },
  squeezers: ["Median"],
  seed: 9,
});

describe("worstCase", () => {
  it("breaks nothing within a budget that the classes' distance withstands, and all beyond it", () => {
    const victim = victimOf(linear);
    expect(worstCase(victim, queries, setting(0.03)).right.every((value) => value === 1)).toBe(true);
    expect(worstCase(victim, queries, setting(0.4)).right.every((value) => value === 0)).toBe(true);
  });

  it("keeps to the budget, does not try again what is broken, and repeats by its seed", () => {
    const victim = victimOf(linear);
    const found = worstCase(victim, queries, setting(0.16));
    found.adversarial.forEach((value, i) => {
      expect(Math.abs(value - (queries.inputs[i] ?? 9))).toBeLessThanOrEqual(0.16 + 1e-6);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    });
    expect(found.after.map(({ attack }) => attack)).toEqual(gatingAttacks.map(({ name }) => name));
    const left = found.after.map(({ accuracy }) => accuracy);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    expect(worstCase(victim, queries, setting(0.16)).adversarial).toEqual(found.adversarial);
  });

  it("breaks a model that only hides its gradient under an L2 budget as well", () => {
    const ball: Setting["ball"] = { norm: "L2", epsilon: 1.5, scales: null, bounded: true };
    const { after } = worstCase(victimOf(masked), queries, { ...setting(1), ball });
    const left = new Map(after.map(({ attack, accuracy }) => [attack, accuracy]));
    expect(left.get("Impersonation")).toBeGreaterThan(0.5);
    expect(left.get("Square")).toBeLessThan(0.2);
  });

  it("counts an answer that was wrong to begin with", () => {
    const victim = { ...victimOf(linear), isRight: (vectors: Float32Array) => Array(vectors.length / 2).fill(false) };
    expect(worstCase(victim, queries, setting(0.01)).right.every((value) => value === 0)).toBe(true);
  });

  it("leaves no tensors behind", () => {
    const victim = victimOf(linear);
    const before = tf.memory().numTensors;
    worstCase(victim, queries, setting(0.16));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("epsilonCurve", () => {
  it("starts at the clean accuracy, never rises, and goes to twice the budget", () => {
    const curve = epsilonCurve(victimOf(linear), queries, setting(0.2));
    expect(curve[0]).toEqual({ epsilon: 0, accuracy: 1 });
    expect(curve.at(-1)).toEqual({ epsilon: 0.4, accuracy: 0 });
    const accuracies = curve.map(({ accuracy }) => accuracy);
    expect(accuracies).toEqual(accuracies.toSorted((a, b) => b - a));
  });
});

describe("maskingChecks", () => {
  it("finds nothing on an honest model", () => {
    const checks = maskingChecks(victimOf(linear), queries, setting(0.16), queries.inputs);
    expect(checks.map(({ verdict }) => verdict)).toEqual(checks.map(() => "Pass"));
  });

  it("suspects a model that hides its gradient", () => {
    const transferred = worstCase(victimOf(linear), queries, setting(0.3)).adversarial;
    const suspects = maskingChecks(victimOf(masked), queries, setting(0.2), transferred)
      .filter(({ verdict }) => verdict === "Suspect")
      .map(({ name }) => name);
    expect(suspects).toContain("transfer");
    expect(suspects).toContain("black box");
    expect(suspects).toContain("whole range");
  });

  it("has a black box for an L2 budget as well", () => {
    const ball: Setting["ball"] = { norm: "L2", epsilon: 1.5, scales: null, bounded: true };
    const checks = maskingChecks(victimOf(masked), queries, { ...setting(1), ball }, queries.inputs);
    expect(checks.find(({ name }) => name === "black box")?.verdict).toBe("Suspect");
  });
});
