import { type ModelRolloutStatus, type Reembed, reembedOf, reembedText } from "../../api/index.ts";
import { withCondition } from "../condition.ts";
import { instant } from "../instant.ts";
import { first } from "../rule.ts";
import type { Said } from "../said.ts";
import { type Advance, advance, stay } from "./advance.ts";
import { goBack } from "./go-back.ts";
import { type Reversal, restore } from "./restore.ts";
import type { Observed } from "./world.ts";

/** What a rollout's status says next. What follows from it is done once it is saved: see `actions`. */
export type Decision = {
  readonly status: ModelRolloutStatus;
  readonly said: readonly Said[];
  /** ms; null when only a change brings it on. */
  readonly wakeAfter: number | null;
};

/** Whether to go back is asked first, and nothing that holds a rollout holds that back (decision 25). */
export function decide(world: Observed, now: number): Decision {
  const { phase } = world.rollout.status;
  if (phase === "Promoted" || phase === "RolledBack") {
    return {
      status: { ...world.rollout.status, observedGeneration: world.rollout.metadata.generation },
      said: [],
      wakeAfter: null,
    };
  }
  const next = turn(world, now);
  const advanced = withAnalysis(world, { ...world.rollout.status, ...next.status });
  // Not with each report of a gateway: only what is decided is written.
  const { status, said } =
    next.said.length > 0 ? withReembed(world, advanced, next.said) : { status: advanced, said: [] };
  const conditions = conditionsOf(world, status, next, now);
  return {
    status: { ...status, conditions, observedGeneration: world.rollout.metadata.generation },
    said,
    wakeAfter: next.wakeAfter,
  };
}

function turn(world: Observed, now: number): Advance {
  const { unreadable } = world;
  if (unreadable) return stay(unreadable.reason, unreadable.message, null, unreadable);
  if (world.rollout.status.phase === "RollingBack") return goBack(world, now);
  const reversal = first(restore, world, now);
  if (reversal) return beginReversal(world, reversal, now);
  return first(advance, world, now) ?? stay("Holding");
}

/** Whoever reads that a version is left in going back reads as well what it has put into the index (decision 22). */
function withReembed(
  world: Observed,
  status: ModelRolloutStatus,
  said: readonly Said[],
): Pick<Decision, "status" | "said"> {
  const { reembed: _, ...rest } = status;
  const left = leftBehind(world, status.phase);
  if (!left) return { status: rest, said };
  return {
    status: { ...rest, reembed: left },
    said: said.map((each) => ({ ...each, facts: { ...each.facts, reembed: left } })),
  };
}

function leftBehind(
  { rollout: { spec, status }, documents }: Observed,
  phase: ModelRolloutStatus["phase"],
): Reembed | null {
  if (phase === "RollingBack" || phase === "RolledBack") {
    // One that never began has moved nothing.
    return status.startedAt === undefined ? null : reembedOf(documents, spec.to, status.startedAt);
  }
  return spec.reason === "Rollback" ? reembedOf(documents, spec.from, status.reembed?.first) : null;
}

function beginReversal({ rollout, previous }: Observed, { reason, message }: Reversal, now: number): Advance {
  const { status, metadata, spec } = rollout;
  const subject = `ModelRollout/${metadata.name}`;
  const facts = {
    reason,
    message: message.slice(0, 512),
    from: spec.to.digest,
    to: spec.from.digest,
    weight: status.weight,
  };
  const moved = status.weight !== 0 || status.mirror;
  const back = { weight: 0, mirror: false, at: instant(now), why: reason };
  return {
    status: {
      phase: "RollingBack",
      weight: 0,
      mirror: false,
      // The patch may have been made and not yet been seen.
      patched: status.patched || status.phase === "Promoting",
      // Gateways go to them as soon as they have one that is ready.
      fallback: (status.phase === "Promoting" || status.phase === "Watching") && previous !== null,
      weights: moved ? [...status.weights, back].slice(-20) : status.weights,
      reason,
      message: message.slice(0, 2048),
    },
    said: [{ kind: "RollbackStarted", subject, facts }],
    wakeAfter: 0,
    reason,
    message,
    stalled: null,
  };
}

/** What was seen is kept, unless a new step begins. */
function withAnalysis({ rollout, analysis }: Observed, status: ModelRolloutStatus): ModelRolloutStatus {
  if (!analysis || status.step !== rollout.status.step || status.stepStartedAt !== rollout.status.stepStartedAt)
    return status;
  const silent = analysis.verdict === "NoData" || analysis.verdict === "SourceError";
  // A pause is as long as people like.
  const counts = silent && status.phase === "Progressing";
  const { noDataSince, ...rest } = status;
  return {
    ...rest,
    analysis: [...analysis.checks],
    verdict: analysis.verdict,
    analysedAt: instant(analysis.at),
    heldFor: status.phase === "Paused" ? status.heldFor : analysis.heldFor,
    heldTo: instant(analysis.heldTo),
    ...(counts ? { noDataSince: noDataSince ?? instant(analysis.at) } : {}),
  };
}

function conditionsOf(
  { rollout, refused }: Observed,
  status: ModelRolloutStatus,
  next: Advance,
  now: number,
): ModelRolloutStatus["conditions"] {
  const { generation } = rollout.metadata;
  const ended = status.phase === "Promoted" || status.phase === "RolledBack";
  const contested = status.reason === "FieldContested" ? { reason: "FieldContested", message: status.message } : null;
  const stalled = next.stalled ?? contested ?? refused;
  const { reason, message } = next;
  let list = withCondition(
    rollout.status.conditions,
    { type: "Progressing", holds: !ended && !stalled, reason: ended ? status.phase : reason, message, generation },
    instant(now),
  );
  list = withCondition(
    list,
    { type: "Complete", holds: status.phase === "Promoted", reason: status.phase, message: status.message, generation },
    instant(now),
  );
  list = withCondition(
    list,
    {
      type: "Stalled",
      holds: stalled !== null,
      reason: stalled?.reason ?? "AsWanted",
      message: stalled?.message ?? "",
      generation,
    },
    instant(now),
  );
  if (!status.reembed) return list.filter(({ type }) => type !== "ReembedNeeded");
  const needed = { type: "ReembedNeeded", holds: true, reason: "VersionLeft", message: reembedText(status.reembed) };
  return withCondition(list, { ...needed, generation }, instant(now));
}
