import type { EmbeddingService, ModelRef, ModelRollout, ModelVersion } from "../api/index.ts";
import { names } from "../operator/identity.ts";
import { labels } from "../operator/labels.ts";

export interface Request {
  readonly reason: "Manual" | "Rollback";
  readonly by: string;
  readonly at: string;
  /** Whether it walks the service's steps; else it moves at once. */
  readonly gradually: boolean;
}

/**
 * The rollout that a person asks for. Asking is approving, so that it carries their approval.
 *
 * @param active  the version that is served
 * @param rollouts  of the service: a name is never used twice
 */
export function requestedRollout(
  { metadata, spec }: EmbeddingService,
  active: ModelRef,
  to: ModelVersion,
  rollouts: readonly ModelRollout[],
  { reason, by, at, gradually }: Request,
): { readonly metadata: ModelRolloutMetadata; readonly spec: ModelRollout["spec"] } {
  const { name, namespace } = metadata;
  const taken = new Set(rollouts.map((rollout) => rollout.metadata.name));
  let n = 1;
  while (taken.has(names.rollout(name, to.spec.digest, n))) n += 1;
  const { maxBaselineShift: _, ...policy } = spec.rollout;
  const steps = gradually ? policy.steps : [{ weight: 100 }];
  return {
    metadata: { name: names.rollout(name, to.spec.digest, n), namespace, labels: { [labels.service]: name } },
    spec: {
      serviceRef: { name },
      from: { version: active.name, digest: active.digest, uri: active.uri },
      to: { version: to.metadata.name, digest: to.spec.digest, uri: to.spec.uri },
      reason,
      policy: { ...policy, steps },
      paused: false,
      abort: false,
      approvals: [{ by, at }],
    },
  };
}

interface ModelRolloutMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
}

/** The version that the active one took over from, by the newest rollout that brought it. */
export function predecessor(
  active: ModelRef,
  rollouts: readonly ModelRollout[],
  versions: readonly ModelVersion[],
): ModelVersion | null {
  const brought = broughtBy(active, rollouts);
  return versions.find(({ spec }) => spec.digest === brought?.spec.from.digest) ?? null;
}

/**
 * Since when the active version has answered requests: what an index took in from then on may be of its vectors, and has to
 * be embedded again after a rollback (decision 22). Null for a version that no rollout brought.
 */
export function answeringSince(active: ModelRef, rollouts: readonly ModelRollout[]): string | null {
  return broughtBy(active, rollouts)?.status.weights.find(({ weight }) => weight > 0)?.at ?? null;
}

function broughtBy(active: ModelRef, rollouts: readonly ModelRollout[]): ModelRollout | undefined {
  return rollouts.find(
    ({ spec, status }) =>
      spec.to.digest === active.digest && (status.phase === "Promoted" || status.phase === "Watching"),
  );
}
