import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../monitor/index.ts";
import { type ImageDataset, sourceId16, sourceName } from "../registry/index.ts";
import { dealEvaluationSet, firstRows } from "./evaluation-set.ts";
import { nearDuplicates, sharedSources } from "./leakage.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const random = seededRandom(12);

function dataset(ids: readonly string[], extra: Partial<Pick<ImageDataset, "labels" | "domains">> = {}): ImageDataset {
  return {
    modality: "Image",
    shape: [2, 2, 1],
    count: ids.length,
    domainNames: ["base", "shifted"],
    source: "test",
    sources: Uint8Array.from(ids.flatMap((id) => [...sourceId16(id)])),
    inputs: Uint8Array.from({ length: 4 * ids.length }, () => random.integer(256)),
    labels: Int32Array.from(ids, (_, i) => 10 * (i % 3)),
    ...extra,
  };
}

const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}/${i}`);
const limits = { documents: 1000, queries: 1000 };

describe("dealEvaluationSet", () => {
  it("deals every source to one part, and labels to 0, 1, 2", () => {
    const set = dealEvaluationSet(dataset(ids("a", 600)), "Labelled", limits, false);
    const parts = [set.documents, set.gate.old, set.proof.old];
    expect(parts.reduce((sum, part) => sum + part.count, 0)).toBe(600);
    expect(new Set(parts.flatMap((part) => [...part.sources])).size).toBe(600);
    expect([...new Set(set.gate.old.labels)].toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    expect(set.classes).toBe(3);
    expect(set.gate.old.inputs.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it("keeps both domains of a source in one part, and only the old one in the index", () => {
    const both = [...ids("a", 300), ...ids("a", 300)];
    const set = dealEvaluationSet(
      dataset(both, { domains: Uint8Array.from(both, (_, i) => (i < 300 ? 0 : 1)) }),
      "Labelled",
      limits,
      false,
    );
    expect(set.documents.rows.every((row) => row < 300)).toBe(true);
    expect(set.gate.shifted.rows.every((row) => row >= 300)).toBe(true);
    expect([...set.gate.shifted.sources]).toEqual([...set.gate.old.sources]);
  });

  it("measures a reference only on what is held out of training", () => {
    const set = dealEvaluationSet(dataset(ids("a", 1000)), "None", limits, true);
    const used = set.documents.count + set.gate.old.count + set.proof.old.count;
    expect(used).toBeGreaterThan(330);
    expect(used).toBeLessThan(490);
  });

  it("makes the first row of a pair its document and the others queries", () => {
    const pairs = ids("a", 200).flatMap((id) => [id, id]);
    const set = dealEvaluationSet(dataset(pairs), "Pairs", limits, false);
    expect(set.gate.old.rows.every((row) => row % 2 === 1)).toBe(true);
    const documents = new Set(set.documents.labels);
    expect(set.gate.old.labels.every((label) => documents.has(label))).toBe(true);
  });

  it.each([
    ["sorted by label", (i: number) => Math.floor(i / 2000)],
    ["dealt out in turn", (i: number) => i % 10],
  ])("takes rows of every class, in the index, the queries and the attacked: %s", (_, label) => {
    const labels = Int32Array.from({ length: 20_000 }, (_value, i) => label(i));
    const set = dealEvaluationSet(
      dataset(ids("a", 20_000), { labels }),
      "Labelled",
      { documents: 3000, queries: 1000 },
      false,
    );
    for (const part of [set.documents, set.gate.old, set.proof.old, firstRows(set.gate.old, set.size, 300)]) {
      const shares = Array.from({ length: 10 }, (_value, k) => part.labels.filter((each) => each === k).length);
      // A tenth each, within four standard deviations.
      const error = Math.sqrt(0.09 * part.count);
      for (const share of shares) expect(Math.abs(share - part.count / 10)).toBeLessThan(4 * error);
    }
  });

  it("takes the same inputs in whatever order they stand, and of as many sources as can be", () => {
    const names = ids("a", 3000);
    const taken = (order: readonly string[]): string[] => {
      const of = dataset(order);
      const { gate } = dealEvaluationSet(of, "None", { documents: 10, queries: 100 }, false);
      return Array.from(gate.old.rows, (row) => sourceName(of, row));
    };
    expect(taken(names.toReversed())).toEqual(taken(names));
    expect(new Set(taken(names.flatMap((name) => [name, name, name]))).size).toBe(100);
  });

  it("keeps to its limits", () => {
    const set = dealEvaluationSet(dataset(ids("a", 600)), "Labelled", { documents: 50, queries: 20 }, false);
    expect([set.documents.count, set.gate.old.count, set.proof.old.count]).toEqual([50, 20, 20]);
  });

  it("refuses sets that do not offer what they should", () => {
    const { labels: _, ...unlabelled } = dataset(ids("a", 20));
    expect(() => dealEvaluationSet(unlabelled, "Labelled", limits, false)).toThrow("no labels");
    const one = dataset(ids("a", 20), { labels: new Int32Array(20).fill(4) });
    expect(() => dealEvaluationSet(one, "Labelled", limits, false)).toThrow("all 20 labels are 4");
    expect(() => dealEvaluationSet(dataset(ids("a", 20)), "Pairs", limits, false)).toThrow("no two rows");
  });
});

describe("sharedSources", () => {
  const of = (names: readonly string[]) => ({ dataset: dataset(names), rows: names.map((_, i) => i) });

  it("counts ids in more than one set, once each, and not within a set", () => {
    const [a, b, c] = [of(["x", "y", "z"]), of(["y", "u"]), of(["y", "z", "v"])];
    expect(sharedSources([[a], [b], [c]])).toBe(2);
    expect(sharedSources([[a, b], [of(["v"])]])).toBe(0);
  });
});

describe("nearDuplicates", () => {
  const size = 144;
  const noise = (count: number): Float32Array => Float32Array.from({ length: count * size }, () => random.uniform());

  it("finds copies and re-encoded copies, and no others", () => {
    const training = noise(60);
    const queries = noise(5);
    queries.set(training.subarray(7 * size, 8 * size), 0);
    queries.set(
      training.subarray(31 * size, 32 * size).map((value) => value + 0.005 * random.gaussian()),
      3 * size,
    );
    expect([...nearDuplicates(queries, training, size)]).toEqual([7, -1, -1, 31, -1]);
  });

  it("of nothing is nothing", () => {
    expect([...nearDuplicates(noise(2), new Float32Array(), size)]).toEqual([-1, -1]);
  });
});
