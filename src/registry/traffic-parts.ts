import { createHash } from "node:crypto";
import { type Dataset, sourceName, sourceOf } from "./dataset.ts";

/** What a captured sample is for: to enter a reference, or to judge whether labelled data looks like what came. */
export type TrafficPart = "Admitted" | "Judging";

/** With as many each half has the hundred that it takes to hold a client to a hundredth (decision 12). */
const enoughClients = 200;
/** In ms: what belongs together, such as a burst, hardly lasts longer. */
const stretch = 10_000;
const salt = "evenkeel traffic";

/**
 * The rows of one half of captured traffic (decision 14). What enters a reference never judges. Each client is on one side;
 * with fewer than 200 of them each stretch of 10 s is, in turn; without times each input. An input that came on both sides
 * does not judge.
 *
 * Both halves reach from the oldest to the newest sample: judged is what is live now, and so is what a reference expects.
 *
 * @returns ascending
 */
export function rowsOfPart(traffic: Dataset, part: TrafficPart): Int32Array {
  const isJudging = halving(traffic);
  const rows = Int32Array.from({ length: traffic.count }, (_, row) => row);
  const admitted = rows.filter((row) => !isJudging(row));
  if (part === "Admitted") return admitted;
  const inputs = new Set(Array.from(admitted, (row) => sourceName(traffic, row)));
  return rows.filter((row) => isJudging(row) && !inputs.has(sourceName(traffic, row)));
}

function halving({ clients, times, sources, count }: Dataset): (row: number) => boolean {
  const keys = clients ? Array.from({ length: count }, (_, row) => sourceName({ sources: clients }, row)) : [];
  if (clients && new Set(keys).size >= enoughClients) return (row) => isOdd(sourceOf({ sources: clients }, row));
  if (times?.some((time) => time > 0)) return (row) => Math.floor((times[row] ?? 0) / stretch) % 2 === 1;
  return (row) => isOdd(sourceOf({ sources }, row));
}

function isOdd(id: Uint8Array): boolean {
  return createHash("sha256").update(salt).update("\0").update(id).digest().readUInt8() % 2 === 1;
}
