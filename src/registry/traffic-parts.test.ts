import { describe, expect, it } from "vitest";
import type { VectorDataset } from "./dataset.ts";
import { sourceId16 } from "./splits.ts";
import { rowsOfPart } from "./traffic-parts.ts";

const count = 4000;
const ids = (of: (row: number) => string): Uint8Array =>
  new Uint8Array(Buffer.concat(Array.from({ length: count }, (_, row) => sourceId16(of(row)))));
const traffic = (change: Partial<VectorDataset>): VectorDataset => ({
  modality: "Vector",
  shape: [1],
  count,
  domainNames: ["base"],
  source: "",
  inputs: new Float32Array(count),
  sources: ids((row) => `input ${row}`),
  ...change,
});
const halves = (dataset: VectorDataset) => ({
  admitted: [...rowsOfPart(dataset, "Admitted")],
  judging: [...rowsOfPart(dataset, "Judging")],
});
const times = Float64Array.from({ length: count }, (_, row) => 1.7e12 + 100 * row);
const isHalf = (rows: readonly number[]): boolean => rows.length > 0.4 * count && rows.length < 0.6 * count;

describe("rowsOfPart", () => {
  it.each<[string, Partial<VectorDataset>, (row: number) => string]>([
    ["clients where there are 200", { clients: ids((row) => `c${row % 200}`), times }, (row) => `c${row % 200}`],
    [
      "stretches of 10 s with fewer",
      { clients: ids((row) => `c${row % 199}`), times },
      (row) => `t${Math.floor(row / 100)}`,
    ],
    ["stretches of 10 s without clients", { times }, (row) => `t${Math.floor(row / 100)}`],
    [
      "inputs without clients and times",
      { clients: new Uint8Array(16 * count), times: new Float64Array(count) },
      (row) => `${row}`,
    ],
  ])("halves by %s: none is on both sides", (_, change, groupOf) => {
    const { admitted, judging } = halves(traffic(change));
    expect(isHalf(admitted) && isHalf(judging)).toBe(true);
    expect(admitted.length + judging.length).toBe(count);
    const groups = new Set(admitted.map(groupOf));
    expect(judging.some((row) => groups.has(groupOf(row)))).toBe(false);
    // Both reach to the newest.
    expect(Math.min(Math.max(...admitted), Math.max(...judging))).toBeGreaterThan(count - 150);
  });

  it("lets no input judge that came on both sides", () => {
    const clients = ids((row) => `c${row % 400}`);
    const { admitted, judging } = halves(traffic({ clients, sources: ids((row) => `input ${row % 401}`) }));
    const inputs = new Set(admitted.map((row) => row % 401));
    expect(admitted.length).toBeGreaterThan(0);
    expect(judging.some((row) => inputs.has(row % 401))).toBe(false);
  });

  it("puts a client on the same side in every snapshot", () => {
    const clients = ids((row) => `c${row % 250}`);
    const sideOf = (dataset: VectorDataset) => new Set([...rowsOfPart(dataset, "Judging")].map((row) => row % 250));
    expect(sideOf(traffic({ clients, times }))).toEqual(sideOf(traffic({ clients })));
  });
});
