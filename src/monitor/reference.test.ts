import { describe, expect, it } from "vitest";
import { CorruptArtefact } from "./artefact.ts";
import { type Matrix, matrixOf, norm, row } from "./matrix.ts";
import { seededRandom } from "./random.ts";
import { buildReference, decodeReference, encodeReference, UnusableReference } from "./reference.ts";
import { topicMatrix } from "./traffic.fixture.ts";

const embeddings = topicMatrix(900, 24, seededRandom(1));
const input = { model: "sha256:aa", inputs: "sha256:bb", embeddings, seed: 7, blockSize: 16 };
const reference = buildReference(input);
const wide = (columns: number): Matrix => ({ rows: 1, columns, data: new Float32Array(columns) });

describe("buildReference", () => {
  it("splits into a third for the fit and whole blocks of the rest", () => {
    expect(reference.blocks).toMatchObject({ rows: Math.floor(600 / 16), columns: 24 });
    expect(reference.fourierBlocks).toMatchObject({ rows: 37, columns: 256 });
    expect(reference.centroids.rows).toBe(64);
    expect(reference.whitening.variances).toHaveLength(24);
    expect(reference.calibration.norm).toHaveLength(600);
  });

  it("the same input gives the same hash, any change another one", () => {
    expect(buildReference(input).hash).toBe(reference.hash);
    const changed = [
      { ...input, seed: 8 },
      { ...input, model: "sha256:ac" },
      { ...input, inputs: "sha256:bc" },
      { ...input, blockSize: 17 },
      { ...input, embeddings: { ...embeddings, data: embeddings.data.map((x, i) => (i === 5 ? x + 1e-3 : x)) } },
    ];
    expect(new Set([reference, ...changed.map(buildReference)].map(({ hash }) => hash)).size).toBe(6);
  });

  it("survives its bytes, under the same hash", () => {
    const decoded = decodeReference(encodeReference(reference));
    expect(decoded).toEqual(reference);
  });

  function hashOrRefusal(bytes: Uint8Array): string {
    try {
      return decodeReference(bytes).hash;
    } catch (error) {
      if (error instanceof CorruptArtefact) return "refused";
      throw error;
    }
  }

  it("a flipped bit changes the hash or is refused", () => {
    const bytes = encodeReference(reference);
    for (const position of [0, 20, 400, bytes.length - 1]) {
      const changed = bytes.slice();
      changed[position] = changed[position]! ^ 1;
      const hash = hashOrRefusal(changed);
      expect(hash).not.toBe(reference.hash);
    }
  });

  /** Each row is its own number along the first axis, so that block means tell which rows are in them. */
  function marked(count: number): Matrix {
    return matrixOf(Array.from({ length: count }, (_, i) => [i, 1, (i * 7) % 5]));
  }

  it("no row is used twice: fit and blocks are disjoint", () => {
    const built = buildReference({ ...input, embeddings: marked(300), blockSize: 10 });
    const fittedSum = built.whitening.mean[0]! * 100;
    const blockSum = Array.from({ length: 20 }, (_, i) => row(built.blocks, i)[0]! * 10).reduce((a, b) => a + b);
    expect(built.blocks.rows).toBe(20);
    expect(fittedSum + blockSum).toBeCloseTo((299 * 300) / 2, 0);
  });

  it("rows of one source stay on one side", () => {
    // Two sources far apart in each group of rows: if a source were parted, its group's share of the fit would show it.
    const rows = Array.from({ length: 400 }, (_, i) => [2 ** Math.floor(i / 40), (i % 3) - 1]);
    const sources = rows.map((_, i) => `source-${Math.floor(i / 40)}`);
    const built = buildReference({ ...input, embeddings: matrixOf(rows), sources, blockSize: 40 });
    const inFit = built.whitening.mean[0]!;
    // 134 rows rounded up to whole sources are 4 of them, each with 40 rows of 2^source.
    const bits = Math.round(inFit * 4);
    expect(inFit * 4).toBeCloseTo(bits, 6);
    expect(bits.toString(2).replaceAll("0", "")).toHaveLength(4);
  });

  it("the default block size gives about 200 blocks", () => {
    const { blockSize: _, ...rest } = input;
    expect(buildReference({ ...rest, embeddings: topicMatrix(3000, 4, seededRandom(2)) }).blockSize).toBe(10);
    expect(buildReference(rest).blockSize).toBe(8);
  });

  it("centroids are unit vectors", () => {
    expect(norm(row(reference.centroids, 3))).toBeCloseTo(1, 5);
  });

  it.each([
    [
      "too few vectors",
      { ...input, embeddings: topicMatrix(90, 24, seededRandom(1)) },
      /make 3 blocks of 16; at least 4/,
    ],
    [
      "equal vectors",
      { ...input, embeddings: matrixOf(Array.from({ length: 300 }, () => [1, 2])) },
      /vectors are equal/,
    ],
    [
      "not finite",
      { ...input, embeddings: matrixOf([...Array.from({ length: 300 }, () => [1, 2]), [Number.NaN, 0]]) },
      /not finite/,
    ],
    ["a tiny block", { ...input, blockSize: 4 }, /at least 8/],
    ["sources of another length", { ...input, sources: ["a"] }, /1 sources for 900/],
    ["vectors that are too long", { ...input, embeddings: wide(4097) }, /4097 numbers, .* at most 4096$/],
  ])("refuses %s", (_, bad, message) => {
    expect(() => buildReference(bad)).toThrow(UnusableReference);
    expect(() => buildReference(bad)).toThrow(message);
  });
});
