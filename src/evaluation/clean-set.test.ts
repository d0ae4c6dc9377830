import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../monitor/index.ts";
import { sourceId16, sourceName, type VectorDataset } from "../registry/index.ts";
import { cleanSet, LeakedEvaluation } from "./clean-set.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const random = seededRandom(8);

function vectors(names: readonly string[]): VectorDataset {
  return {
    modality: "Vector",
    shape: [8],
    count: names.length,
    domainNames: ["base"],
    source: "",
    sources: Uint8Array.from(names.flatMap((name) => [...sourceId16(name)])),
    inputs: Float32Array.from({ length: names.length * 8 }, () => random.gaussian()),
  };
}

const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}/${i}`);
const clean = (change: Partial<Parameters<typeof cleanSet>[0]>) =>
  cleanSet({
    reference: vectors(ids("r", 300)),
    evaluation: vectors(ids("e", 300)),
    traffic: null,
    evaluationData: "None",
    settings: { documents: 1000, queries: 1000 },
    ...change,
  });

describe("cleanSet", () => {
  let whole: ReturnType<typeof cleanSet>;
  beforeAll(() => {
    whole = clean({});
  });

  it.each([
    ["with the reference at hand", {}, 0],
    ["without it", { reference: null }, null],
  ] as const)("leaves out what a client sent too, and counts it: %s", (_, change, overlap) => {
    const [row] = whole.set.gate.old.rows;
    const evaluation = vectors(ids("e", 300));
    // Of 5,000 captured samples one has the id of a gate query.
    const traffic = vectors([`e/${row}`, ...ids("t", 4999)]);
    const found = clean({ evaluation, traffic, ...change });
    expect(found.overlap).toBe(overlap);
    const left = [found.set.gate.old, found.set.proof.old].flatMap(({ rows }) => [...rows]);
    const sent = new Set(Array.from({ length: traffic.count }, (_, i) => sourceName(traffic, i)));
    expect(left.some((each) => sent.has(sourceName(evaluation, each)))).toBe(false);
    expect(left.length + found.duplicates).toBe(whole.set.gate.old.count + whole.set.proof.old.count);
    expect(found.duplicates).toBe(1);
  });

  it("refuses an evaluation set that shares a source with the reference", () => {
    expect(() => clean({ reference: vectors([...ids("r", 300), ...ids("e", 300)]) })).toThrow(LeakedEvaluation);
  });
});
