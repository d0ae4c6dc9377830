import type { AnalysisCheck } from "../../api/index.ts";
import type { Plan } from "./plan.ts";

type Counted = {
  readonly check: Pick<AnalysisCheck, "metric" | "minSample">;
  readonly plan: Plan;
  /** How many were seen, null when nobody counts them. */
  readonly samples: number | null;
  /** Time that they are counted over, ms. */
  readonly window: number;
  /** Since when the step has had its traffic, ms. */
  readonly elapsed: number;
};

/**
 * What to do when a step will never have the samples that a check needs, null while it may: waiting would only end at the
 * deadline. Judged once half the window has been seen, so that a slow start is not taken for the traffic.
 */
export function outlook({ check, plan, samples, window, elapsed }: Counted, longestWindow: number): string | null {
  // Pods are counted for it, not requests.
  if (samples === null || plan.kind === "Watch" || check.metric === "ProbeMatch") return null;
  const seen = Math.min(window, elapsed);
  if (seen < window / 2) return null;
  const expected = Math.floor((samples / seen) * window);
  if (expected >= check.minSample) return null;
  const ways = plan.kind === "Mirror" ? ["lower minSample"] : ["raise the weight", "lower minSample"];
  // Longer holds count no more than the last minutes of them.
  const longer = window < longestWindow ? [`lengthen ${plan.kind === "Mirror" ? "mirror" : "hold"}`] : [];
  const over = window < longestWindow ? "a hold" : `the ${longestWindow / 60_000} minutes of it that count`;
  return `at this traffic about ${expected} in ${over}: ${[...longer, ...ways].join(" or ")}`;
}
