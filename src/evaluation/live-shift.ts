import { mostQuarantined } from "../api/index.ts";
import { embedAll } from "../model/index.ts";
import { type Matrix, selectRows } from "../monitor/index.ts";
import { type Dataset, liveRows, newestFirst, rowsOfPart, sourceName, takeRows } from "../registry/index.ts";
import type { Scene } from "./context.ts";
import { type ExplainedShift, explainShift, mostLive } from "./diagnostics/explained-shift.ts";
import type { EvaluationSet } from "./evaluation-set.ts";
import type { EvaluationInput } from "./input.ts";
import type { Model } from "./model.ts";

/**
 * Rows of the captured traffic that judge, the newest first: of the half that enters no reference (decision 14), and none of
 * what has entered the candidate's. Which half a sample is in may change between training and evaluation, when segments
 * expire meanwhile. None when so much was set aside that the rest may be an attacker's too (decision 11).
 */
export function judgedRows(
  { quarantined = 0, entered }: Pick<EvaluationInput, "quarantined" | "entered">,
  traffic: Dataset,
): Int32Array {
  if (quarantined > mostQuarantined) return new Int32Array(0);
  const taken = new Set(entered);
  const isFree = (row: number): boolean => !taken.has(sourceName(traffic, row));
  return newestFirst(traffic, rowsOfPart(traffic, "Judging").filter(isFree)).slice(0, mostLive);
}

/** A shift seen in traffic of which too much was set aside may be the attacker's (decision 11). */
export function shiftOf(input: EvaluationInput, set: EvaluationSet, active: Model): Scene["shift"] {
  if ((input.quarantined ?? 0) > mostQuarantined) return "Quarantined";
  if (!input.traffic) return "NoTraffic";
  return explainLive(input, input.traffic, set, active) ?? "Unknown";
}

/** How much of the shift in captured traffic the labelled slice shows, by the newest of what enters no reference. */
function explainLive(
  input: EvaluationInput,
  traffic: Dataset,
  set: EvaluationSet,
  { old, shifted, dimension: columns }: Model,
): ExplainedShift | null {
  const { active, accepted } = input;
  if (!accepted || accepted.dimension !== columns || traffic.shape.join() !== set.dataset.shape.join()) return null;
  const live = takeRows(traffic, judgedRows(input, traffic));
  const matrix = (data: Float32Array): Matrix => ({ rows: data.length / columns, columns, data });
  return explainShift({
    accepted: selectRows({ rows: accepted.count, columns, data: accepted.embeddings }, liveRows(accepted)),
    live: matrix(embedAll(active.encoder, live.inputs)),
    old: matrix(old),
    shifted: matrix(shifted),
  });
}
