import type {
  EmbeddingService,
  ModelRollout,
  ModelVersion,
  ModelVersionPhase,
  ModelVersionStatus,
  Retraining,
} from "../../api/index.ts";
import { withCondition } from "../condition.ts";
import { instant } from "../instant.ts";
import { first, type Rule } from "../rule.ts";

export type Observed = {
  readonly version: ModelVersion;
  readonly service: EmbeddingService | null;
  /** The run that made it. */
  readonly run: Retraining | null;
  /** Rollouts to it, newest last. */
  readonly rollouts: readonly ModelRollout[];
};

/** Where a version is in its life, as others' statuses have it; the first that has something to say. */
export const phases: readonly Rule<Observed, ModelVersionPhase>[] = [active, rejected, underWay, rolledBack, retired];

export function decide(world: Observed, now: number): ModelVersionStatus {
  const { metadata, spec, status } = world.version;
  const phase = first(phases, world, now) ?? "Candidate";
  const was = status.phase === "Active";
  const is = phase === "Active";
  const pinned = spec.identity === "Digest";
  return {
    ...status,
    observedGeneration: metadata.generation,
    phase,
    ...(is && !was ? { activatedAt: instant(now) } : {}),
    ...(was && !is ? { retiredAt: instant(now) } : {}),
    conditions: withCondition(
      status.conditions,
      {
        type: "Pinned",
        holds: pinned,
        reason: pinned ? "Digest" : "UriOnly",
        message: pinned
          ? ""
          : `${spec.uri} does not pin its content: a change of what it names is seen by the canary probes alone`,
        generation: metadata.generation,
      },
      instant(now),
    ),
  };
}

function active({ version, service }: Observed): ModelVersionPhase | null {
  return service?.status.activeVersion?.name === version.metadata.name ? "Active" : null;
}

/** What was said of it stands when the run or the rollout that said it is gone. */
function rejected({ run, version }: Observed): ModelVersionPhase | null {
  return (run ?? version).status.phase === "Rejected" ? "Rejected" : null;
}

function underWay({ rollouts }: Observed): ModelVersionPhase | null {
  const { phase, weight, mirror } = rollouts.at(-1)?.status ?? {};
  if (phase !== "Progressing" && phase !== "Paused" && phase !== "Promoting") return null;
  if (weight !== undefined && weight > 0) return "Canary";
  return mirror ? "Shadow" : null;
}

function rolledBack({ rollouts, version }: Observed): ModelVersionPhase | null {
  const { phase } = (rollouts.at(-1) ?? version).status;
  return phase === "RolledBack" || phase === "RollingBack" ? "RolledBack" : null;
}

function retired({ version }: Observed): ModelVersionPhase | null {
  return version.status.activatedAt === undefined ? null : "Retired";
}
