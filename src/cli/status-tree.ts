import {
  documentsText,
  type EmbeddingService,
  type ModelRollout,
  type ModelVersion,
  type Retraining,
  reembedText,
  type SignalStatus,
} from "../api/index.ts";
import { age, span } from "../overview/age.ts";
import { type Overview, waitingFor } from "../overview/index.ts";
import { bar } from "./bar.ts";
import type { Paint, Tone } from "./paint.ts";
import { type Branch, columns, treeLines } from "./tree.ts";

export interface TreeOptions {
  readonly now: number;
  readonly paint: Paint;
  /** All runs, versions and rollouts, and digests; else the newest and the ones under way. */
  readonly wide: boolean;
  readonly withNamespace: boolean;
}

/** A service as a tree: its model, signals, what is held back, runs, rollouts, audit. */
export function statusTree(view: Overview, options: TreeOptions): string[] {
  const { service } = view;
  const { paint } = options;
  const below = [
    modelBranch(view, options),
    documentsBranch(view, options),
    signalsBranch(service, options),
    protectionBranch(service, options),
    holdingBranch(service, options),
    ...runBranches(view, options),
    ...rolloutBranches(view, options),
    auditBranch(service, options),
  ].filter((branch) => branch !== null);
  const { metadata, status } = service;
  const name = options.withNamespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
  const trouble = troubleOf(service).map(({ type, reason, message }) => ({
    text: paint("bad", `${type}: ${reason}${message ? `, ${message}` : ""}`),
  }));
  return treeLines({
    text: `${paint("strong", name)}  ${paint(phaseTone(status.phase), status.phase)}  ${paint("dim", age(metadata.creationTimestamp, options.now))}`,
    below: [...trouble, ...below],
  });
}

/** Positive conditions that do not hold, and the negative one that does. */
function troubleOf({ status }: EmbeddingService): EmbeddingService["status"]["conditions"] {
  return status.conditions.filter(({ type, status: holds }) => holds === (type === "Stalled" ? "True" : "False"));
}

function modelBranch({ service, versions }: Overview, { now, paint, wide }: TreeOptions): Branch {
  const active = service.status.activeVersion;
  if (!active) return { text: `model  ${paint("warn", "none is active yet")}` };
  const version = versions.find(({ metadata }) => metadata.name === active.name);
  const since = version?.status.activatedAt ? `active for ${age(version.status.activatedAt, now)}` : "active";
  const baseline = service.status.baselineVersion?.digest === active.digest ? ", baseline" : "";
  const others = wide ? versions.filter(({ metadata }) => metadata.name !== active.name) : [];
  return {
    text: `model  ${active.name}  ${paint("good", since)}${baseline}${wide ? `  ${paint("dim", active.digest)}` : ""}`,
    below: versionRows(others, now, paint),
  };
}

function versionRows(versions: readonly ModelVersion[], now: number, paint: Paint): Branch[] {
  const rows = versions.map(({ metadata, spec, status }) => [
    metadata.name,
    paint(phaseTone(status.phase), status.phase),
    paint("dim", age(metadata.creationTimestamp, now)),
    paint("dim", spec.digest),
  ]);
  return columns(rows).map((text) => ({ text }));
}

/** What versions embedded for the index: the one that is active; with `wide` those before as well. */
function documentsBranch({ service, versions }: Overview, { paint, wide }: TreeOptions): Branch | null {
  const rows = service.status.documents
    .filter(({ ended }) => wide || !ended)
    .toReversed()
    .map((stretch) => {
      const version = versions.find(({ spec }) => spec.digest === stretch.digest);
      return [
        version?.metadata.name ?? stretch.digest,
        documentsText(stretch),
        paint("dim", `${stretch.first} to ${stretch.last}`),
      ];
    });
  return rows.length === 0 ? null : { text: "documents", below: columns(rows).map((text) => ({ text })) };
}

function signalsBranch(service: EmbeddingService, { now, paint }: TreeOptions): Branch {
  const { spec, status } = service;
  if (spec.triggers.length === 0) return { text: `signals  ${paint("warn", "no triggers: nothing is acted on")}` };
  const rows = spec.triggers.map((trigger) => {
    const signal = status.signals.find(({ name }) => name === trigger.name);
    if (trigger.schedule !== undefined) {
      const last = status.schedules.find(({ name }) => name === trigger.name);
      return [
        trigger.name,
        paint("dim", trigger.schedule),
        last ? `since ${age(last.lastScheduled, now)}` : "",
        trigger.then,
      ];
    }
    if (!signal) return [trigger.name, paint("dim", "not evaluated yet"), "", trigger.then];
    return [trigger.name, verdict(signal, now, paint), measured(signal), trigger.then, paint("dim", signal.message)];
  });
  const unknown = unknownText(service);
  return {
    text: "signals",
    below: [...columns(rows), ...(unknown ? [paint("dim", unknown)] : [])].map((text) => ({ text })),
  };
}

/** Why a service may be well while some of its signals know nothing. */
function unknownText({ status: { phase, signals } }: EmbeddingService): string | null {
  if (signals.every(({ verdict: kind }) => kind !== "NoData")) return null;
  if (phase === "Learning")
    return "Learning: until a signal has a reference that is large enough, NoData is what it should say";
  return phase === "Steady"
    ? "Steady: no signal fails; one that says NoData is neither a pass nor a fault, and sets nothing off"
    : null;
}

const verdictTone = { Pass: "good", Fail: "bad", NoData: "warn", SourceError: "bad" } as const satisfies Record<
  string,
  Tone
>;

function verdict(signal: SignalStatus, now: number, paint: Paint): string {
  const since = signal.since ? ` ${age(signal.since, now)}` : "";
  return paint(verdictTone[signal.verdict], `${signal.verdict}${since}`);
}

function measured({ value, threshold }: SignalStatus): string {
  if (value === null) return "";
  return threshold === null ? short(value) : `${short(value)} of ${short(threshold)}`;
}

function protectionBranch({ spec, status }: EmbeddingService, { now, paint }: TreeOptions): Branch | null {
  if (!status.protection?.active) return null;
  const { since, trigger } = status.protection;
  const mode = spec.gateway.protection.mode;
  return { text: paint("warn", `protection  ${mode} for ${age(since, now)}, set off by ${trigger}`) };
}

function holdingBranch({ spec, status }: EmbeddingService, { now, paint }: TreeOptions): Branch | null {
  if (!status.holding || !spec.retraining) return null;
  const { reason, message, until } = status.holding;
  // Said already, as what the whole service is stalled by.
  if (status.conditions.some((said) => said.type === "Stalled" && said.status === "True" && said.reason === reason)) {
    return null;
  }
  const left = until === undefined ? "" : ` (another ${span(Math.max(0, Date.parse(until) - now))})`;
  return { text: paint("dim", `retraining waits  ${reason}: ${message}${left}`) };
}

function runBranches({ service, retrainings }: Overview, options: TreeOptions): Branch[] {
  const under = service.status.retraining?.name;
  return retrainings
    .filter(({ metadata }, index) => options.wide || index === 0 || metadata.name === under)
    .map((run) => runBranch(run, options));
}

function runBranch(run: Retraining, { now, paint, wide }: TreeOptions): Branch {
  const { metadata, spec, status } = run;
  const waiting = waitingFor(run);
  const rows = status.gates.map(({ name, verdict, value, bound, n, message }) => [
    name,
    paint(verdict === "Pass" ? "good" : verdict === "Fail" ? "bad" : "warn", verdict),
    value === null ? "–" : short(value),
    bound === null ? "" : `bound ${short(bound)}`,
    `n ${n}`,
    paint("dim", message),
  ]);
  const why = status.reason ? `  ${status.reason}${status.message ? `: ${status.message}` : ""}` : "";
  const jobs = wide ? [status.train, status.evaluate].filter((job) => job !== undefined) : [];
  return {
    text: `run  ${metadata.name}  ${paint(phaseTone(status.phase), status.phase)}  ${spec.cause.class} (${spec.cause.trigger})  ${paint("dim", age(metadata.creationTimestamp, now))}${why}`,
    below: [
      ...(waiting ? [{ text: paint("warn", waiting) }] : []),
      ...(status.needsApproval ? [{ text: paint("warn", `needs approval: ${status.needsApproval}`) }] : []),
      ...jobs.map(({ name, outcome, gpuSeconds }) => ({
        text: `job ${name}  ${outcome || "running"}  ${paint("dim", `${span(gpuSeconds * 1000)} of GPU time`)}`,
      })),
      ...columns(rows).map((text) => ({ text })),
    ],
  };
}

function rolloutBranches({ service, rollouts }: Overview, options: TreeOptions): Branch[] {
  const under = service.status.rollout?.name;
  return rollouts
    .filter(({ metadata }, index) => options.wide || index === 0 || metadata.name === under)
    .map((rollout) => rolloutBranch(rollout, service, options));
}

function rolloutBranch(
  { metadata, spec, status }: ModelRollout,
  service: EmbeddingService,
  { now, paint }: TreeOptions,
): Branch {
  const { phase, step, steps, weight } = status;
  const where = steps > 0 ? `  step ${Math.min(step + 1, steps)} of ${steps}` : "";
  const rows = status.analysis.map(({ name, verdict, value, limit, samples, message }) => [
    name,
    paint(verdictTone[verdict], verdict),
    value === null ? "–" : `${short(value)}${limit === null ? "" : ` of ${short(limit)}`}`,
    samples === null ? "" : `n ${Math.floor(samples)}`,
    paint("dim", message),
  ]);
  const needs = service.status.rollout?.name === metadata.name ? service.status.rollout.needsApproval : "";
  const why = status.reason ? `  ${status.reason}${status.message ? `: ${status.message}` : ""}` : "";
  return {
    text: `rollout  ${metadata.name}  ${paint(phaseTone(phase), phase)}${spec.paused ? paint("warn", " (paused)") : ""}${where}  ${bar(weight / 100, 12)} ${weight}%  ${paint("dim", age(metadata.creationTimestamp, now))}${why}`,
    below: [
      ...(needs && spec.approvals.length === 0 ? [{ text: paint("warn", `needs approval: ${needs}`) }] : []),
      ...(status.reembed ? [{ text: paint("warn", reembedText(status.reembed)) }] : []),
      ...columns(rows).map((text) => ({ text })),
    ],
  };
}

function auditBranch({ status: { audit } }: EmbeddingService, { paint }: TreeOptions): Branch | null {
  if (audit.seq === 0) return null;
  return { text: paint("dim", `audit  ${audit.seq} entries, head ${audit.head.slice(0, 19)}…`) };
}

const tones: Readonly<Record<string, Tone>> = {
  Steady: "good",
  Active: "good",
  Published: "good",
  Promoted: "good",
  Watching: "good",
  Stalled: "bad",
  Failed: "bad",
  Rejected: "bad",
  RolledBack: "bad",
  RollingBack: "bad",
  Protecting: "warn",
  Paused: "warn",
  Cancelled: "warn",
};

function phaseTone(phase: string): Tone {
  return tones[phase] ?? "strong";
}

/** Three significant digits: enough to compare with a limit. */
function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
