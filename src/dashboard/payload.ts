import {
  type EmbeddingService,
  type Gate,
  type GateVerdict,
  gpuSecondsOf,
  type ModelRollout,
  type ModelVersion,
  type Retraining,
} from "../api/index.ts";
import { type AuditChain, type Overview, waitingFor } from "../overview/index.ts";

/** What the browser is told. Plain data; times are RFC 3339. */
export interface ServiceCard {
  readonly namespace: string;
  readonly name: string;
  readonly phase: string;
  /** What stands in the way, or why retraining waits; null when nothing does. */
  readonly notice: { readonly tone: "bad" | "info"; readonly title: string; readonly text: string } | null;
  readonly model: { readonly name: string; readonly digest: string; readonly since: string | null } | null;
  readonly signals: readonly SignalView[];
  readonly rollout: { readonly name: string; readonly phase: string; readonly weight: number } | null;
  readonly run: { readonly name: string; readonly phase: string } | null;
  readonly protection: { readonly mode: string; readonly trigger: string; readonly since: string | null } | null;
}

export interface SignalView {
  readonly name: string;
  readonly source: string;
  readonly then: string;
  readonly verdict: "Pass" | "Fail" | "NoData" | "SourceError" | "Scheduled" | "Pending";
  readonly value: number | null;
  readonly threshold: number | null;
  readonly since: string | null;
  readonly message: string;
}

export interface GateView extends GateVerdict {
  readonly metric: string;
  /** The test in words, such as "not worse by 0.02". */
  readonly test: string;
}

export interface RunView {
  readonly name: string;
  readonly phase: string;
  readonly cause: string;
  readonly trigger: string;
  readonly madeAt: string | null;
  readonly finishedAt: string | null;
  readonly reason: string;
  readonly message: string;
  /** What it is held up by, or waits for; empty when it is at work or over. */
  readonly waiting: string;
  readonly needsApproval: string;
  readonly version: string;
  readonly report: string;
  /** Where this server tells what of it is there for people without the store. */
  readonly reportPath: string;
  readonly gpuSeconds: number;
  readonly gates: readonly GateView[];
}

export interface RolloutView {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly phase: string;
  readonly paused: boolean;
  readonly cause: string;
  readonly step: number;
  readonly steps: number;
  readonly weight: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly reason: string;
  readonly message: string;
  readonly weights: ModelRollout["status"]["weights"];
  readonly analysis: ModelRollout["status"]["analysis"];
}

export interface VersionView {
  readonly name: string;
  readonly phase: string;
  readonly digest: string;
  readonly madeAt: string | null;
  readonly run: string;
  readonly active: boolean;
  readonly baseline: boolean;
}

export interface ServiceDetail extends ServiceCard {
  readonly workload: string;
  readonly protocol: string;
  readonly conditions: EmbeddingService["status"]["conditions"];
  readonly runs: readonly RunView[];
  readonly rollouts: readonly RolloutView[];
  readonly versions: readonly VersionView[];
}

export interface AuditView {
  readonly verification: AuditChain["verification"];
  readonly total: number;
  /** The newest first, at most 200. */
  readonly entries: readonly AuditChain["entries"][number][];
}

export function cardOf(view: Overview): ServiceCard {
  const { service, versions } = view;
  const { metadata, spec, status } = service;
  const active = status.activeVersion;
  const activeSince = versions.find(({ metadata: { name } }) => name === active?.name)?.status.activatedAt ?? null;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    phase: status.phase,
    notice: noticeOf(service),
    model: active ? { name: active.name, digest: active.digest, since: activeSince } : null,
    signals: spec.triggers.map((trigger) => signalView(service, trigger)),
    rollout: status.rollout ? { ...status.rollout } : null,
    run: status.retraining ? { ...status.retraining } : null,
    protection: status.protection?.active
      ? {
          mode: spec.gateway.protection.mode,
          trigger: status.protection.trigger,
          since: status.protection.since ?? null,
        }
      : null,
  };
}

export function detailOf(view: Overview): ServiceDetail {
  const { service, retrainings, rollouts, versions } = view;
  return {
    ...cardOf(view),
    workload: `${service.spec.workloadRef.kind} ${service.spec.workloadRef.name}`,
    protocol: service.spec.protocol,
    conditions: service.status.conditions,
    runs: retrainings.slice(0, 20).map(runView),
    rollouts: rollouts.slice(0, 20).map(rolloutView),
    versions: versions.slice(0, 50).map((version) => versionView(version, service)),
  };
}

export function auditView({ entries, verification }: AuditChain): AuditView {
  return { verification, total: entries.length, entries: entries.slice(-200).toReversed() };
}

function noticeOf({ status }: EmbeddingService): ServiceCard["notice"] {
  const trouble = status.conditions.find(({ type, status: holds }) =>
    type === "Stalled" ? holds === "True" : holds === "False",
  );
  if (trouble) return { tone: "bad", title: `${trouble.type}: ${trouble.reason}`, text: trouble.message };
  if (status.holding)
    return { tone: "info", title: `Retraining waits: ${status.holding.reason}`, text: status.holding.message };
  return null;
}

function signalView({ status }: EmbeddingService, trigger: EmbeddingService["spec"]["triggers"][number]): SignalView {
  const { name, then } = trigger;
  if (trigger.schedule !== undefined) {
    const last = status.schedules.find((schedule) => schedule.name === name)?.lastScheduled ?? null;
    const source = `${trigger.schedule} ${trigger.timeZone ?? "UTC"}`;
    return { name, source, then, verdict: "Scheduled", value: null, threshold: null, since: last, message: "" };
  }
  const signal = status.signals.find((known) => known.name === name);
  const source = trigger.signal ?? trigger.promql ?? "";
  if (!signal)
    return { name, source, then, verdict: "Pending", value: null, threshold: null, since: null, message: "" };
  const { verdict, value, threshold, since = null, message } = signal;
  return { name, source, then, verdict, value, threshold, since, message };
}

function runView(run: Retraining): RunView {
  const { metadata, spec, status } = run;
  return {
    name: metadata.name,
    phase: status.phase,
    cause: spec.cause.class,
    trigger: spec.cause.trigger,
    madeAt: metadata.creationTimestamp ?? null,
    finishedAt: status.finishedAt ?? null,
    reason: status.reason,
    message: status.message,
    waiting: waitingFor(run),
    needsApproval: status.needsApproval,
    version: status.modelVersion,
    report: status.report,
    reportPath: `/api/services/${metadata.namespace}/${spec.serviceRef.name}/runs/${metadata.name}/report`,
    gpuSeconds: gpuSecondsOf(status),
    gates: status.gates.map((row) =>
      gateView(
        row,
        spec.gates.find(({ name }) => name === row.name),
      ),
    ),
  };
}

function gateView(row: GateVerdict, gate: Gate | undefined): GateView {
  return { ...row, metric: gate?.metric ?? "", test: gate ? testInWords(gate) : "" };
}

function testInWords({ test, margin, limit }: Gate): string {
  switch (test) {
    case "NonInferiority":
      return `not worse by ${margin}`;
    case "Superiority":
      return "better";
    case "AtLeast":
      return `at least ${limit}`;
    case "AtMost":
      return `at most ${limit}`;
    default:
      return test satisfies never;
  }
}

function rolloutView({ metadata, spec, status }: ModelRollout): RolloutView {
  return {
    name: metadata.name,
    from: spec.from.version,
    to: spec.to.version,
    phase: status.phase,
    paused: spec.paused,
    cause: spec.reason,
    step: status.step,
    steps: status.steps,
    weight: status.weight,
    startedAt: status.startedAt ?? null,
    finishedAt: status.finishedAt ?? null,
    reason: status.reason,
    message: status.message,
    weights: status.weights,
    analysis: status.analysis,
  };
}

function versionView({ metadata, spec, status }: ModelVersion, service: EmbeddingService): VersionView {
  return {
    name: metadata.name,
    phase: status.phase,
    digest: spec.digest,
    madeAt: metadata.creationTimestamp ?? null,
    run: spec.retrainingRef?.name ?? "",
    active: service.status.activeVersion?.name === metadata.name,
    baseline: service.status.baselineVersion?.name === metadata.name,
  };
}
