import { expect, it } from "vitest";
import { type ImageDataset, rowsOfPart, sourceId16, sourceName } from "../registry/index.ts";
import { judgedRows } from "./live-shift.ts";

const count = 500;
const ids = (of: (row: number) => string): Uint8Array =>
  new Uint8Array(Buffer.concat(Array.from({ length: count }, (_, row) => sourceId16(of(row)))));
const traffic: ImageDataset = {
  modality: "Image",
  shape: [1, 1, 1],
  count,
  domainNames: ["base"],
  source: "captured",
  inputs: new Uint8Array(count),
  sources: ids((row) => `input ${row}`),
  clients: ids((row) => `client ${row % 250}`),
  times: Float64Array.from({ length: count }, (_, row) => row),
};
const sourcesOf = (rows: Iterable<number>) => Array.from(rows, (row) => sourceName(traffic, row));

it("are of the half that enters no reference, the newest first", () => {
  const rows = judgedRows({ entered: [] }, traffic);
  expect([...rows].toReversed()).toEqual([...rowsOfPart(traffic, "Judging")]);
});

it("are none that entered the candidate's reference, whichever half they are in by now", () => {
  const before = judgedRows({ entered: [] }, traffic);
  const entered = before.slice(0, 40);
  const rows = judgedRows({ entered: sourcesOf(entered) }, traffic);
  expect(rows).toEqual(before.slice(40));
});

it("are none of traffic that may be an attacker's", () => {
  expect(judgedRows({ entered: [], quarantined: 0.21 }, traffic)).toHaveLength(0);
});
