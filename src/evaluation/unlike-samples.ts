import type { StoreUri } from "../api/index.ts";
import { embedAll } from "../model/index.ts";
import {
  type CapturedSample,
  type Dataset,
  locateSamples,
  type Store,
  sourceName,
  takeRows,
} from "../registry/index.ts";
import type { Context } from "./context.ts";
import { leastAlike } from "./diagnostics/least-alike.ts";
import type { EvaluationInput } from "./input.ts";
import { judgedRows } from "./live-shift.ts";

const shown = 12;

/**
 * Captured samples that the active model sees least of in the labelled slice: what to look at, and to label, when the slice
 * does not show what came: of the same rows as judge it. By reference only: no input outlives its TTL in a report.
 */
export async function unlikeSamples(
  store: Store,
  snapshot: StoreUri,
  traffic: Dataset,
  input: Pick<EvaluationInput, "quarantined" | "entered">,
  { set, models: { active } }: Pick<Context, "set" | "models">,
): Promise<CapturedSample[]> {
  if (traffic.shape.join() !== set.dataset.shape.join()) return [];
  const rows = judgedRows(input, traffic);
  const vectors = embedAll(active.encoder, takeRows(traffic, rows).inputs);
  const unlike = leastAlike(vectors, active.shifted, active.dimension, shown);
  return await locateSamples(
    store,
    snapshot,
    unlike.map((i) => sourceName(traffic, rows[i] ?? 0)),
  );
}
