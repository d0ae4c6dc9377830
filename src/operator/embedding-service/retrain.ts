import { type Cause, type ModelRef, modelIdentity, type Retraining } from "../../api/index.ts";
import { ownersText } from "../free-field.ts";
import { handsOff } from "../hands-off.ts";
import { names } from "../identity.ts";
import type { Rule, Stalled } from "../rule.ts";
import { servedUri } from "../workload.ts";
import { causeHeldBack, heldBack } from "./governance.ts";
import { isMendable, tryOf } from "./latch.ts";
import { isUnderWay } from "./restore.ts";
import { notTrainable } from "./trainable.ts";
import type { Observed } from "./world.ts";

/** What becomes of the model. */
export type Retrain =
  /** Nothing to do before `wakeAt`. */
  | { readonly kind: "Steady"; readonly wakeAt: number | null }
  | { readonly kind: "Wait"; readonly reason: string; readonly message: string; readonly until: number | null }
  | ({ readonly kind: "Stalled" } & Stalled)
  /** The workload's empty field is given a value: that of the version that stays active, or its first one. */
  | { readonly kind: "Seed"; readonly from: "Active" | "Initial"; readonly uri: string }
  /** What runs becomes the active version. */
  | { readonly kind: "Adopt"; readonly model: ModelRef }
  /** The cause is saved, before anything is made. */
  | { readonly kind: "Record"; readonly cause: Cause }
  /** The run of the saved cause is made. */
  | { readonly kind: "Create"; readonly cause: Cause; readonly model: ModelRef }
  /** A run made by hand gets its turn. */
  | { readonly kind: "Accept"; readonly run: Retraining };

/** In their order, the first that has something to say; only this list is held back by anything (decision 25). */
export const retrain: readonly Rule<Observed, Retrain>[] = [
  awaitTrail,
  adoptCurrentModel,
  watchOnly,
  suspended,
  awaitRollout,
  awaitRetraining,
  startRecordedCause,
  untrainable,
  retrainOnRequest,
  retrainOnTrigger,
  explainBadSchedule,
  explainHeld,
  explainOutdated,
];

export function steady({ schedules }: Observed): Retrain {
  const next = schedules.flatMap(({ next: at }) => at ?? []);
  return { kind: "Steady", wakeAt: next.length > 0 ? Math.min(...next) : null };
}

function stalled(reason: string, message: string): Retrain {
  return { kind: "Stalled", reason, message };
}

function wait(reason: string, message: string, until: number | null = null): Retrain {
  return { kind: "Wait", reason, message, until };
}

function awaitTrail({ trail }: Observed): Retrain | null {
  return trail && stalled(trail.reason, trail.message);
}

/**
 * The first version is the one that already runs; so is one that somebody put in its place by hand. What no pod serves yet
 * has not shown that it can: later versions would be compared with it, and gateways would look for pods that there are not.
 * What a rollout that cannot be read has put there is its own: adopted, it would be past its gates, and out of its hands.
 */
function adoptCurrentModel(world: Observed): Retrain | null {
  const { service, workload, rollout, unreadable } = world;
  const { workloadRef, model } = service.spec;
  if (!workload) return stalled("WorkloadMissing", `Deployment ${workloadRef.name} does not exist`);
  switch (workload.field.kind) {
    case "NoContainer":
      return stalled("ContainerMissing", `Deployment ${workloadRef.name} has no container ${model.container}`);
    case "Indirect":
      return stalled(
        "FieldIndirect",
        `${model.env} of container ${model.container} has valueFrom: give it a plain value`,
      );
    case "Empty":
      return fillField(world);
    case "Value":
      break;
    default:
      return workload.field satisfies never;
  }
  const uri = servedUri(workload) ?? "";
  if (uri === service.status.activeVersion?.uri || (rollout && isChanging(rollout.status.phase))) return null;
  if (unreadable.rollout) return wait(unreadable.rollout.reason, unreadable.rollout.message);
  if (workload.readyOfTemplate === 0) {
    return wait("WorkloadNotReady", `0 of ${workload.replicas} pods are ready with ${uri}`);
  }
  const { digest } = modelIdentity(uri);
  return { kind: "Adopt", model: { name: names.modelVersion(service.metadata.name, digest), digest, uri } };
}

/** Who owns the field, and that nothing is lost when they give it up. */
export function notFree({ spec }: Observed["service"], managers: readonly string[]): string {
  return `${ownersText(spec, managers)}; the active version is then put back`;
}

/** In these a rollout sees by itself that the field has lost its value, and turns back. */
const turnsBack: ReadonlySet<string> = new Set(["Progressing", "Paused", "Promoting", "Watching"]);

/**
 * A Deployment that was made anew, or lost the variable, has no say in which version is active: `initial` would bring back
 * an old one past every gate.
 */
function fillField({ service: { spec, status }, rollout, unreadable }: Observed): Retrain | null {
  if (unreadable.rollout) return wait(unreadable.rollout.reason, unreadable.rollout.message);
  if (rollout && turnsBack.has(rollout.status.phase)) return null;
  if (rollout?.status.phase === "RollingBack" && !handsOff.has(rollout.status.reason)) {
    return { kind: "Seed", from: "Active", uri: rollout.spec.from.uri };
  }
  if (status.activeVersion) return { kind: "Seed", from: "Active", uri: status.activeVersion.uri };
  const { container, env, initial } = spec.model;
  return initial === undefined
    ? stalled("ModelMissing", `${env} of container ${container} has no value, and model.initial is not set`)
    : { kind: "Seed", from: "Initial", uri: initial };
}

/** While a rollout has its hands on the field, it alone says what a change of it means. */
function isChanging(phase: string): boolean {
  return phase !== "Promoted" && phase !== "RolledBack";
}

function watchOnly(world: Observed): Retrain | null {
  return world.service.spec.retraining ? null : steady(world);
}

function suspended({ service }: Observed): Retrain | null {
  return service.spec.retraining?.suspended ? wait("Suspended", "retraining.suspended is set") : null;
}

function awaitRollout({ service, rollout, unreadable }: Observed): Retrain | null {
  const slot = service.status.rollout;
  if (unreadable.rollout) return wait(unreadable.rollout.reason, unreadable.rollout.message);
  if (!slot || (rollout && !isUnderWay(rollout))) return null;
  return wait("RolloutUnderWay", `${slot.name} is ${rollout?.status.phase ?? slot.phase}`);
}

/** One run at a time. */
function awaitRetraining({ service, run, unreadable }: Observed): Retrain | null {
  const slot = service.status.retraining;
  if (unreadable.run) return wait(unreadable.run.reason, unreadable.run.message);
  if (!slot || (!run && slot.uid === "")) return null;
  return wait("RetrainingUnderWay", `${slot.name} is ${run?.status.phase ?? slot.phase}`);
}

function startRecordedCause(world: Observed): Retrain | null {
  const { cause, activeVersion } = world.service.status;
  if (!cause || !activeVersion) return null;
  return untrainable(world) ?? { kind: "Create", cause, model: activeVersion };
}

/** What must be right before a run is started at all; said as soon as it is seen, not when the alarm is on. */
function untrainable({ service, ownership, store, threatModel, runs, unreadable }: Observed): Retrain | null {
  const { retraining, dataset, modality } = service.spec;
  const active = service.status.activeVersion;
  if (!retraining || !active) return null;
  if (ownership.kind === "OwnedBy") {
    return stalled("FieldOwnedBy", notFree(service, ownership.managers));
  }
  if (ownership.kind === "Unknown") return wait("FieldUnknown", ownership.message);
  if (store) return store.kind === "Wait" ? wait(store.reason, store.message) : stalled(store.reason, store.message);
  const foreign = notTrainable(service, active, runs);
  if (foreign) return stalled("ModelNotTrainable", foreign);
  if (retraining.evaluationData !== "None" && dataset.evaluation === undefined) {
    return stalled("EvaluationDataMissing", "dataset.evaluation is needed unless retraining.evaluationData is None");
  }
  const { name } = retraining.threatModelRef;
  if (unreadable.threatModel) return wait(unreadable.threatModel.reason, unreadable.threatModel.message);
  if (!threatModel) return stalled("ThreatModelMissing", `ThreatModel ${name} does not exist`);
  const said = threatModel.status.conditions.find(({ type }) => type === "Ready");
  if (threatModel.status.observedGeneration !== threatModel.metadata.generation || !said) {
    return wait("ThreatModelUnread", `ThreatModel ${name} is being checked`);
  }
  if (said.status !== "True" || threatModel.status.hash === undefined) {
    return stalled("ThreatModelInvalid", `ThreatModel ${name}: ${said.message}`);
  }
  if (threatModel.spec.modality !== modality) {
    return stalled(
      "ThreatModelUnfit",
      `ThreatModel ${name} is for ${threatModel.spec.modality}, the service for ${modality}`,
    );
  }
  return null;
}

function retrainOnRequest(world: Observed, now: number): Retrain | null {
  const run = startable(world).find(({ spec }) => heldBack(world, spec, now) === null);
  return run ? { kind: "Accept", run } : null;
}

/**
 * Runs made by hand, unless their parent has been replaced since: nothing they prove would be of what runs. Under another
 * class than Manual they would use up what its own causes need (decision 12).
 */
function startable({ service, waitingRuns }: Observed): Retraining[] {
  const active = service.status.activeVersion?.digest;
  return waitingRuns.filter(({ spec }) => spec.parent.digest === active && spec.cause.class === "Manual");
}

/** The first cause that nothing holds back: one that is held does not hold back another's. */
function retrainOnTrigger(world: Observed, now: number): Retrain | null {
  const cause = freshCauses(world).find((fresh) => causeHeldBack(world, fresh, now) === null);
  return cause ? { kind: "Record", cause } : null;
}

function freshCauses({ causes, service }: Observed): Cause[] {
  return causes.map((cause) => tryOf(service, cause)).flatMap(({ cause, ended }) => (ended === null ? [cause] : []));
}

function explainBadSchedule({ schedules }: Observed): Retrain | null {
  const [bad] = schedules.filter(({ problem }) => problem !== null);
  return bad ? stalled("InvalidSchedule", `trigger ${bad.trigger.name} never fires: ${bad.problem}`) : null;
}

/** A run that passed and was dropped: whether what it made is wanted over what somebody has put in place, a person must tell. */
function explainOutdated({ runs, service }: Observed): Retrain | null {
  const run = runs.at(-1);
  const { activeVersion, lastCauses } = service.status;
  if (!run || run.status.modelVersion === activeVersion?.name) return null;
  if (lastCauses.find(({ id }) => id === run.spec.cause.id)?.outcome !== "Outdated") return null;
  const { modelVersion } = run.status;
  return wait(
    "RunOutdated",
    `${run.metadata.name} passed its gates, but the model was changed meanwhile, so that ${modelVersion} is not rolled out: ` +
      `to have it all the same use \`evenkeel promote ${service.metadata.name} ${modelVersion}\``,
  );
}

/** Why what waits does not start. */
function explainHeld(world: Observed, now: number): Retrain | null {
  for (const run of startable(world)) {
    const held = heldBack(world, run.spec, now);
    if (held) return wait(held.reason, `${run.metadata.name}: ${held.message}`, held.until);
  }
  for (const cause of freshCauses(world)) {
    const held = causeHeldBack(world, cause, now);
    if (held) return wait(held.reason, held.message, held.until);
  }
  const [latched] = world.causes;
  if (!latched) return null;
  const ended = tryOf(world.service, latched).ended ?? "";
  const change = isMendable(ended) ? "the service or its data has" : "its data has";
  return wait(
    "CauseWorkedOn",
    `${latched.trigger}: its run ended ${ended}; it is tried again when ${change} changed, ` +
      `or by hand with \`evenkeel retrain ${world.service.metadata.name}\``,
  );
}
