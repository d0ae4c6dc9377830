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

/** The rollback to a version that somebody has asked for already. */
export function rollbackUnderWay(
  active: ModelRef,
  to: ModelVersion,
  rollouts: readonly ModelRollout[],
): ModelRollout | undefined {
  return rollouts.find(
    ({ spec, status }) =>
      spec.reason === "Rollback" &&
      !spec.abort &&
      spec.from.digest === active.digest &&
      spec.to.digest === to.spec.digest &&
      !["RollingBack", "RolledBack", "Promoted"].includes(status.phase),
  );
}

/** What a rollback goes to when nobody names a version. */
export type Predecessor =
  | { readonly kind: "Version"; readonly version: ModelVersion }
  /** Somebody went back from it since it was last rolled out. */
  | { readonly kind: "Left"; readonly version: ModelVersion; readonly rollback: ModelRollout }
  | { readonly kind: "None" };

/**
 * The version that the active one took over from, by the newest rollout that brought it forth: one that brought it back
 * came from the version that was to be left. One that no rollout brought was set by hand, over the version that was active
 * last.
 *
 * @param rollouts  newest first
 */
export function predecessor(
  active: ModelRef,
  rollouts: readonly ModelRollout[],
  versions: readonly ModelVersion[],
): Predecessor {
  const taken = rollouts.filter(hasTakenPlace);
  const brought = taken.find(({ spec }) => spec.to.digest === active.digest && spec.reason !== "Rollback");
  const version = brought
    ? versions.find(({ spec }) => spec.digest === brought.spec.from.digest)
    : activeBefore(active, taken, versions);
  if (!version) return { kind: "None" };
  const { digest } = version.spec;
  const last = taken.find(
    ({ spec }) => spec.to.digest === digest || (spec.from.digest === digest && spec.reason === "Rollback"),
  );
  return last?.spec.from.digest === digest ? { kind: "Left", version, rollback: last } : { kind: "Version", version };
}

/** None when somebody went back to the active version, with a rollback or by hand: what was active before was left. */
function activeBefore(
  active: ModelRef,
  taken: readonly ModelRollout[],
  versions: readonly ModelVersion[],
): ModelVersion | undefined {
  const retiredAt = ({ status }: ModelVersion): string => status.retiredAt ?? "";
  const [last] = versions
    .filter((version) => version.spec.digest !== active.digest && retiredAt(version) !== "")
    .toSorted((a, b) => (retiredAt(a) < retiredAt(b) ? 1 : -1));
  const wentBack = taken.some(
    ({ spec: { from, to } }) =>
      to.digest === active.digest || (from.digest === active.digest && to.digest === last?.spec.digest),
  );
  return wentBack ? undefined : last;
}

/**
 * Since when the active version has answered requests: what an index took in from then on may be of its vectors, and has to
 * be embedded again after a rollback (decision 22). Null for a version that no rollout brought.
 */
export function answeringSince(active: ModelRef, rollouts: readonly ModelRollout[]): string | null {
  const brought = rollouts.find((rollout) => hasTakenPlace(rollout) && rollout.spec.to.digest === active.digest);
  return brought?.status.weights.find(({ weight }) => weight > 0)?.at ?? null;
}

function hasTakenPlace({ status: { phase } }: ModelRollout): boolean {
  return phase === "Promoted" || phase === "Watching";
}
