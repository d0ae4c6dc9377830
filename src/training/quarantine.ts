import { mostQuarantined } from "../api/index.ts";
import { type Encoder, embedAll } from "../model/index.ts";
import { calibrateThreshold, isFlagged, lastChange, type Random, type Squeezer } from "../monitor/index.ts";
import { type Dataset, DatasetError, newestFirst, rowsOfPart, sourceName } from "../registry/index.ts";
import { consistencyScores } from "./consistency-scores.ts";
import { permutation } from "./streams.ts";
import { gatherRows } from "./training-data.ts";

/** The most that one client may contribute to the samples that are admitted (decision 12). */
const clientShare = 0.01;
/** How much of a reference traffic may be when clients cannot be told apart (decision 12). */
const unkeyedShare = 0.1;
/** Admitted samples of clients that are held to their share, from which on live traffic is compared with traffic alone. */
export const enoughTraffic = 400;
/** Share of clean inputs that scoring may set aside by mistake. */
const falseQuarantine = 0.01;

export type ConsistencyCalibration = ReadonlyMap<
  Squeezer,
  { readonly clean: Float32Array; readonly benign: Float32Array }
>;

export type Admission = {
  /** rows of the snapshot that may enter the new reference, ascending */
  readonly rows: Int32Array;
  /** rows that might have entered, but came before the last change of traffic */
  readonly before: number;
  /** share of the snapshot that was set aside, 0 to 1 */
  readonly quarantined: number;
  /** whether each client is held to its share; otherwise the whole is held to a tenth of the reference */
  readonly keyed: boolean;
};

/**
 * Re-scores every captured sample with the deployed model (P7). Of the half that may enter a reference it leaves out what
 * came before traffic changed the last time, and holds each client to its share of the others.
 *
 * A sample is set aside when any squeezer moves it further than it moves all but a hundredth of clean inputs and of the
 * threat model's benign families.
 *
 * @param since      time of the oldest sample that may enter, ms; null to look for the last change
 * @param reference  rows of the reference dataset beside which traffic would stand
 * @throws {DatasetError} Malformed when the calibration is too small: unscored samples are never used
 */
export function admitTraffic(
  encoder: Encoder,
  traffic: Dataset,
  calibration: ConsistencyCalibration,
  since: number | null,
  reference: number,
  random: Random,
): Admission {
  const flagged = new Uint8Array(traffic.count);
  const embeddings = embedAll(encoder, traffic.inputs);
  for (const [squeezer, { clean, benign }] of calibration) {
    const rate = falseQuarantine / calibration.size;
    const threshold = calibrateThreshold(clean, benign.length > 0 ? [benign] : [], rate);
    if (!threshold) {
      const needed = Math.ceil(1 / rate) - 1;
      throw new DatasetError(
        "Malformed",
        `captured traffic cannot be scored: ${squeezer} needs ${needed} reference inputs`,
      );
    }
    consistencyScores(encoder, traffic, embeddings, squeezer).forEach((score, row) => {
      if (isFlagged(threshold, score, random.uniform())) flagged[row] = 1;
    });
  }
  const quarantined = flagged.reduce((sum, flag) => sum + flag, 0) / traffic.count;
  if (quarantined > mostQuarantined) {
    return { rows: new Int32Array(0), before: 0, quarantined, keyed: false };
  }
  const passed = newestFirst(
    traffic,
    rowsOfPart(traffic, "Admitted").filter((row) => flagged[row] === 0),
  );
  const kept = passed.slice(
    0,
    since === null ? lengthSinceChange() : passed.filter((row) => timeOf(row) >= since).length,
  );
  return { ...holdClients(traffic, kept, reference), before: passed.length - kept.length, quarantined };

  function timeOf(row: number): number {
    return traffic.times?.[row] ?? 0;
  }

  /** What a reference must show is how traffic looks now (docs/decisions/0028). */
  function lengthSinceChange(): number {
    // A client's share is drawn from all of its time: the newest of those who send much would themselves be a change.
    const drawn = holdClients(traffic, shuffled(passed, random), reference);
    // The few of traffic without keys are the newest ones anyway.
    if (!drawn.keyed) return passed.length;
    const ordered = newestFirst(traffic, drawn.rows);
    const positions = new Map(Array.from(passed, (row, i) => [row, i]));
    /** Samples that came with the newest `count` of those drawn. */
    const among = (count: number): number => (positions.get(ordered[count - 1] ?? -1) ?? passed.length - 1) + 1;
    const isEnough = (count: number): boolean => {
      const { rows, keyed } = holdClients(traffic, passed.slice(0, among(count)), reference);
      return keyed && rows.length >= enoughTraffic;
    };
    let least = enoughTraffic;
    while (least < ordered.length && !isEnough(least)) least = Math.ceil(1.1 * least);
    const { dimension: columns } = encoder.network;
    const data = gatherRows(embeddings, columns, ordered.toReversed());
    const before = lastChange({ rows: ordered.length, columns, data }, least, random);
    return before === 0 ? passed.length : among(ordered.length - before);
  }
}

function shuffled(rows: Int32Array, random: Random): Int32Array {
  return permutation(rows.length, random).map((i) => rows[i] ?? 0);
}

/**
 * The largest set in which no client has more than its share: with a cap of m samples a client, m ≤ share · Σ min(nᵢ, m).
 * That takes 1/share clients; with fewer nobody can be held to it, and the whole is held as if there were no keys.
 */
function holdClients(traffic: Dataset, ordered: Int32Array, reference: number): Pick<Admission, "rows" | "keyed"> {
  const keys = traffic.clients ? Array.from(ordered, (row) => clientOf(traffic, row)) : [];
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const held = (most: number): number => [...counts.values()].reduce((sum, count) => sum + Math.min(count, most), 0);
  let cap = Math.max(0, ...counts.values());
  while (cap > 0 && cap > clientShare * held(cap)) cap -= 1;
  if (cap === 0) {
    const most = Math.floor((unkeyedShare / (1 - unkeyedShare)) * reference);
    return { rows: ordered.slice(0, most).sort(), keyed: false };
  }
  const taken = new Map<string, number>();
  const rows = ordered.filter((_, i) => {
    const key = keys[i] ?? "";
    const before = taken.get(key) ?? 0;
    taken.set(key, before + 1);
    return before < cap;
  });
  return { rows: rows.sort(), keyed: true };
}

function clientOf({ clients }: Dataset, row: number): string {
  return clients ? sourceName({ sources: clients }, row) : "";
}
