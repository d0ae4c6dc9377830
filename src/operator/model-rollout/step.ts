import { type ModelRollout, milliseconds, type RolloutStep } from "../../api/index.ts";
import { time } from "../instant.ts";

/** The step under way; null when the list is used up. */
export function currentStep({ spec, status }: Pick<ModelRollout, "spec" | "status">): RolloutStep | null {
  return spec.policy.steps[status.step] ?? null;
}

/** What gateways are told in a step. */
export function routeOf(step: RolloutStep): { readonly weight: number; readonly mirror: boolean } {
  return { weight: step.weight ?? 0, mirror: step.mirror !== undefined };
}

/** How long a step is held, ms. */
export function holdOf(step: RolloutStep): number {
  return milliseconds(step.mirror ?? step.hold ?? "0s");
}

/** Pods that a step's share of the traffic needs (decision 30). */
export function replicasFor(step: RolloutStep | null, stableReplicas: number): number {
  return Math.max(1, Math.ceil(((step?.weight ?? 0) / 100) * stableReplicas));
}

/** Time between two looks at the checks, ms: several in a hold, and no faster than Prometheus scrapes. */
export function analysisInterval(hold: number): number {
  return Math.min(30_000, Math.max(1000, hold / 10));
}

/** When a rollout that watches stops judging, and when it lets go of the previous version's pods; ms. */
export function watchEnds({ spec, status }: Pick<ModelRollout, "spec" | "status">): {
  judging: number;
  keeping: number;
} {
  const promotedAt = time(status.promotedAt ?? status.startedAt ?? "");
  return {
    judging: promotedAt + milliseconds(spec.policy.watchAfter),
    keeping: promotedAt + milliseconds(spec.policy.keepPrevious),
  };
}
