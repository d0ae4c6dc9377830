import { type AnalysisCheck, defaultCheck, type ModelRollout } from "../../api/index.ts";
import { time } from "../instant.ts";
import { currentStep, holdOf, watchEnds } from "./step.ts";

/** What the checks look at now, and for how long, ms. */
export type Plan = { readonly kind: "Mirror" | "Weight" | "Watch"; readonly length: number };

/** Null while there is nothing to look at. */
export function planOf({ status, spec }: ModelRollout, now: number): Plan | null {
  switch (status.phase) {
    case "Progressing":
    case "Paused": {
      const step = currentStep({ spec, status });
      if (!step || status.stepStartedAt === undefined) return null;
      return { kind: step.mirror === undefined ? "Weight" : "Mirror", length: holdOf(step) };
    }
    case "Watching": {
      const { judging } = watchEnds({ spec, status });
      return now < judging ? { kind: "Watch", length: judging - time(status.promotedAt ?? "") } : null;
    }
    case "Pending":
    case "Promoting":
    case "Promoted":
    case "RollingBack":
    case "RolledBack":
      return null;
    default:
      return status.phase satisfies never;
  }
}

/**
 * The checks that judge it, never none: what nobody has looked at is no pass. Where none of the user's fits, the one that
 * always does takes their place: it needs no traffic, so that it is not silent for want of some.
 */
export function checksOf(analysis: readonly AnalysisCheck[], { kind }: Plan): readonly AnalysisCheck[] {
  const fitting = analysis.filter(({ metric }) => fits(metric, kind));
  return fitting.length > 0 ? fitting : [defaultCheck];
}

/** A check fits where there is what it measures. */
function fits(metric: AnalysisCheck["metric"], kind: Plan["kind"]): boolean {
  switch (metric) {
    case "MirrorOverlap":
      return kind === "Mirror";
    // They compare with the stable model, which no longer answers in the watch.
    case "LatencyP99":
    case "FlaggedShare":
      return kind === "Weight";
    case "ErrorRate":
    case "InvalidVectors":
    case "ProbeMatch":
    case "PromQL":
      return true;
    default:
      return metric satisfies never;
  }
}
