import type { RetrainingPhase } from "../api/index.ts";

/** Phases in which a run has ended, as it did. */
export const finished: ReadonlySet<RetrainingPhase> = new Set(["Published", "Rejected", "Failed", "Cancelled"]);
