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
  const steps = gradually ? spec.rollout.steps : [{ weight: 100 }];
  return {
    metadata: { name: names.rollout(name, to.spec.digest, n), namespace, labels: { [labels.service]: name } },
    spec: {
      serviceRef: { name },
      from: { version: active.name, digest: active.digest, uri: active.uri },
      to: { version: to.metadata.name, digest: to.spec.digest, uri: to.spec.uri },
      reason,
      policy: { ...spec.rollout, steps },
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
  const brought = rollouts.find(
    ({ spec, status }) =>
      spec.to.digest === active.digest && (status.phase === "Promoted" || status.phase === "Watching"),
  );
  return versions.find(({ spec }) => spec.digest === brought?.spec.from.digest) ?? null;
}
