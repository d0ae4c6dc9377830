import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { cappedRecall, nearest, overlap, vote } from "./neighbours.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const unit = (...angles: number[]): Float32Array =>
  Float32Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
// Documents at 0, 10, 20, 90 and 100 degrees.
const degrees = (...values: number[]): Float32Array => unit(...values.map((value) => (value * Math.PI) / 180));
const index = { vectors: degrees(0, 10, 20, 90, 100), dimension: 2 };
const labels = Int32Array.of(0, 0, 1, 1, 1);

describe("nearest", () => {
  it("finds the nearest by angle, nearest first", () => {
    const { rows, k, n } = nearest(degrees(4, 97), index, 2);
    expect([n, k, ...rows]).toEqual([2, 2, 0, 1, 4, 3]);
  });

  it("gives all documents when there are fewer than k", () => {
    expect(nearest(degrees(4), index, 10).k).toBe(5);
  });

  it("gives a vector that is not finite no neighbours", () => {
    const { rows } = nearest(Float32Array.of(Number.NaN, 0, 1, 0), index, 2);
    expect([...rows]).toEqual([-1, -1, 0, 1]);
    expect([...vote({ rows, k: 2, n: 2 }, labels)]).toEqual([-1, 0]);
  });

  it("refuses vectors of another length", () => {
    expect(() => nearest(new Float32Array(3), index)).toThrow(RangeError);
  });
});

describe("vote", () => {
  it("takes the majority, and of equals the one whose document is nearest", () => {
    const found = { rows: Int32Array.of(0, 2, 3, 2, 0), k: 5, n: 1 };
    expect([...vote(found, labels)]).toEqual([1]);
    expect([...vote({ rows: Int32Array.of(0, 2), k: 2, n: 1 }, labels)]).toEqual([0]);
  });
});

describe("cappedRecall", () => {
  it("divides by what could be found at most", () => {
    // Two documents of label 0, both among the first three: 1. Of three of label 1 one is among two: 1/2.
    expect([...cappedRecall(nearest(degrees(5), index, 3), Int32Array.of(0), labels)]).toEqual([1]);
    expect([...cappedRecall({ rows: Int32Array.of(0, 3), k: 2, n: 1 }, Int32Array.of(1), labels)]).toEqual([0.5]);
  });

  it("of a label without documents is 0", () => {
    expect([...cappedRecall(nearest(degrees(5), index, 3), Int32Array.of(7), labels)]).toEqual([0]);
  });
});

describe("overlap", () => {
  it("is the share of common neighbours, in whatever order", () => {
    const a = { rows: Int32Array.of(0, 1, 2, 3), k: 4, n: 1 };
    expect([...overlap(a, { rows: Int32Array.of(3, 0, 4, 9), k: 4, n: 1 })]).toEqual([0.5]);
    expect([...overlap(a, a)]).toEqual([1]);
  });

  it("does not count missing neighbours as common", () => {
    const none = { rows: Int32Array.of(-1, -1), k: 2, n: 1 };
    expect([...overlap(none, none)]).toEqual([0]);
  });
});
