import type { ReferenceEmbeddings } from "./bundle.ts";
import { sourceName } from "./dataset.ts";

/** Rows that live traffic should look like now. */
export function liveRows({ count, live }: Pick<ReferenceEmbeddings, "count" | "live">): number[] {
  return Array.from({ length: count }, (_, row) => row).filter((row) => live[row] === 1);
}

/**
 * The baseline's live rows, by their sources, in another model's embedding: vectors of two models do not compare, the
 * same inputs embedded by one do.
 */
export function rowsOfBaseline(embedded: ReferenceEmbeddings, baseline: ReferenceEmbeddings): number[] {
  const wanted = new Set(liveRows(baseline).map((row) => sourceName(baseline, row)));
  return Array.from({ length: embedded.count }, (_, row) => row).filter((row) => wanted.has(sourceName(embedded, row)));
}
