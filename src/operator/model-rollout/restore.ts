import { milliseconds } from "../../api/index.ts";
import { time } from "../instant.ts";
import type { Rule } from "../rule.ts";
import { ownedBy, servedUri, setBySomebody } from "../workload.ts";
import { checksOf, planOf } from "./plan.ts";
import type { Observed } from "./world.ts";

/** As many times `failureLimit` roll a step back, however they are scattered: see `analysisCheck` in src/api. */
const scatteredLimits = 3;

/** Why a rollout goes back. */
export type Reversal = {
  readonly reason:
    | "ServiceDeleted"
    | "Aborted"
    | "FieldContested"
    | "NotActive"
    | "AnalysisFailed"
    | "NotReady"
    | "WorkloadNotReady"
    | "NoData";
  readonly message: string;
};

/** Asked before anything that goes forth; what a rollout goes back for, in this order. */
export const restore: readonly Rule<Observed, Reversal>[] = [
  rollBackOrphaned,
  rollBackRequested,
  rollBackContested,
  rollBackOutdated,
  rollBackRegressed,
  rollBackUnready,
  rollBackUnknown,
];

function rollBackOrphaned({ service }: Observed): Reversal | null {
  return service ? null : { reason: "ServiceDeleted", message: "its service was deleted" };
}

function rollBackRequested({ rollout }: Observed): Reversal | null {
  return rollout.spec.abort ? { reason: "Aborted", message: "spec.abort was set" } : null;
}

/** Somebody else has set the field: their wish stands, and is never fought (decision 24). */
function rollBackContested({ rollout, workload, owners, service }: Observed): Reversal | null {
  const { phase, patched } = rollout.status;
  if (!workload || !service || phase === "Pending") return null;
  const served = servedUri(workload);
  const allowed =
    phase === "Watching" ? [to(rollout)] : phase === "Promoting" && !patched ? [from(rollout), to(rollout)] : null;
  const expected = allowed ?? [phase === "Promoting" ? to(rollout) : from(rollout)];
  const { model } = service.spec;
  if (served === null || !expected.includes(served)) return setBySomebody(model, served);
  // Before the patch: an apply would be refused.
  return owners.length > 0 && !patched ? ownedBy(service.spec, owners) : null;
}

/** It was made for a version that is no longer the active one. */
function rollBackOutdated({ rollout, service }: Observed): Reversal | null {
  const active = service?.status.activeVersion;
  if (rollout.status.phase !== "Pending" || service?.status.rollout?.name !== rollout.metadata.name) return null;
  if (active?.digest === rollout.spec.from.digest) return null;
  return { reason: "NotActive", message: `${rollout.spec.from.version} is not the active version` };
}

/**
 * Failures in a row, each seen in an analysis of its own; or scattered ones, when they are several times as many: each
 * makes a step's hold begin anew, and a check that passes in between would hold the candidate where it is for ever.
 */
function rollBackRegressed({ rollout, analysis }: Observed, now: number): Reversal | null {
  const plan = planOf(rollout, now);
  if (!plan) return null;
  const checks = new Map((analysis?.checks ?? rollout.status.analysis).map((check) => [check.name, check]));
  const messages = checksOf(rollout.spec.policy.analysis, plan).flatMap(({ name, failureLimit }) => {
    const { failures = 0, failed = 0, message = "" } = checks.get(name) ?? {};
    if (failures >= failureLimit) return [`${name}: ${message} (${failures} times in a row)`];
    return failed >= scatteredLimits * failureLimit ? [`${name}: failed ${failed} times in one step`] : [];
  });
  return messages.length > 0 ? { reason: "AnalysisFailed", message: messages.join("; ") } : null;
}

function rollBackUnready({ rollout, candidate, workload, refused }: Observed, now: number): Reversal | null {
  const { phase, stepEnteredAt, stepStartedAt } = rollout.status;
  if (stepEnteredAt === undefined || now - time(stepEnteredAt) < deadline(rollout)) return null;
  const { progressDeadline } = rollout.spec.policy;
  const why = refused ? `: ${refused.message}` : "";
  if (phase === "Promoting") {
    if (workload?.rolling === "Complete" && servedUri(workload) === to(rollout)) return null;
    return { reason: "WorkloadNotReady", message: `the workload was not rolled over within ${progressDeadline}${why}` };
  }
  if (phase !== "Progressing" || stepStartedAt !== undefined) return null;
  const { readyReplicas = 0, replicas = 0 } = candidate ?? {};
  const message = `step ${rollout.status.step + 1} did not begin within ${progressDeadline}: ${readyReplicas} of ${replicas} pods of the candidate are ready${why}`;
  return { reason: "NotReady", message };
}

/** Nothing to judge by is no pass; after the promotion it is no reason to go back either. */
function rollBackUnknown({ rollout, analysis }: Observed, now: number): Reversal | null {
  const { phase, noDataSince } = rollout.status;
  if (phase !== "Progressing" || noDataSince === undefined || analysis?.verdict === "Pass") return null;
  if (now - time(noDataSince) < deadline(rollout)) return null;
  const checks = analysis?.checks ?? rollout.status.analysis;
  const silent = checks.filter(({ verdict }) => verdict === "NoData" || verdict === "SourceError");
  const message = silent.map(({ name, message: said }) => `${name}: ${said}`).join("; ");
  return { reason: "NoData", message: `no data for ${rollout.spec.policy.progressDeadline}: ${message}` };
}

function deadline(rollout: Observed["rollout"]): number {
  return milliseconds(rollout.spec.policy.progressDeadline);
}

function from({ spec }: Observed["rollout"]): string {
  return spec.from.uri;
}

function to({ spec }: Observed["rollout"]): string {
  return spec.to.uri;
}
