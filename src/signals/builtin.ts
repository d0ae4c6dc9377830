import { catalogue } from "../metrics/catalogue.ts";

export const builtInSignals = [
  "RepresentationDrift",
  "ShiftFromBaseline",
  "AdversarialAnomaly",
  "ModelChanged",
] as const;
export type BuiltInSignal = (typeof builtInSignals)[number];

/** The service and the model that a signal is about. Every built-in query carries all three (decision 40). */
export type Scope = { readonly namespace: string; readonly service: string; readonly model: string };

const { monitor, gateway } = catalogue;

/** The figures of a built-in signal: which metrics a verdict is made of. */
export const signalFigures = {
  alarm: monitor.alarm.name,
  alarmNumber: monitor.alarmNumber.name,
  learning: monitor.learning.name,
  evidence: monitor.log10Evalue.name,
  evidenceThreshold: monitor.log10Threshold.name,
  evidenceReachable: monitor.log10Reachable.name,
  neededInputs: monitor.neededInputs.name,
  effect: monitor.effectSize.name,
  samples: monitor.samples.name,
  share: monitor.flaggedShareLowerBound.name,
  shareThreshold: monitor.flaggedShareThreshold.name,
  lastBlock: monitor.lastBlock.name,
} as const;

/**
 * One query for all figures of a signal, so that they are of one instant. Some have no label `signal`: the empty
 * alternative matches those.
 */
export function signalQuery(signal: BuiltInSignal, scope: Scope): string {
  const names = Object.values(signalFigures).map((name) => name.replace("evenkeel_monitor_", ""));
  return `{__name__=~"evenkeel_monitor_(${names.join("|")})",${scopeMatchers(scope)},signal=~"${signal}|"}`;
}

/** The figure that people should look at for a signal: what the docs, the alert rules and the dashboards show. */
export function alarmQuery(signal: BuiltInSignal, scope: Scope): string {
  return `max(${monitor.alarm.name}{${scopeMatchers(scope)},signal="${signal}"})`;
}

export const analysisMetrics = [
  "ErrorRate",
  "LatencyP99",
  "InvalidVectors",
  "ProbeMatch",
  "FlaggedShare",
  "MirrorOverlap",
] as const;
export type AnalysisMetric = (typeof analysisMetrics)[number];

/** A value, and how many samples stand behind it. */
export type Measurement = { readonly query: string; readonly samplesQuery: string };

export type RolloutScope = {
  readonly namespace: string;
  readonly service: string;
  /** Digest of the model in the stable pool. */
  readonly stable: string;
  /** Digest of the model that is rolled out. */
  readonly candidate: string;
  /** Time that rates are taken over, ms. */
  readonly window: number;
  readonly stage: RolloutStage;
};

/** Whom the rolled-out model answers: nobody, a share of the clients beside the stable one, or, promoted, all of them. */
export type RolloutStage = "Mirror" | "Weight" | "Watch";

/** Refusals that were asked about, from which on others are taken to be like them. */
const enoughRefusals = 10;

/** PromQL of a live check of a rollout. `or vector(0)` is only where the absence of a series does mean none. */
export function analysisQuery(metric: AnalysisMetric, scope: RolloutScope): Measurement {
  const { stable, candidate, stage } = scope;
  const own = stage === "Watch" ? "stable" : "candidate";
  const inPool = `pool="${own}"`;
  const of = (model: string, ...more: string[]): string => seriesOf(scope, model, ...more);
  const increase = (name: string, selector: string): string => increaseOf(scope, name, selector);
  const requests = increase(gateway.requests.name, of(candidate, inPool));
  switch (metric) {
    case "ErrorRate":
      return stage === "Mirror"
        ? errorsOfCopies(scope)
        : { query: `${errorsOfAnswers(scope)} / ${requests}`, samplesQuery: requests };
    case "LatencyP99": {
      const p99 = (model: string, pool: string): string =>
        `histogram_quantile(0.99, sum by (le) (rate(${gateway.requestDuration.name}_bucket${of(model, `pool="${pool}"`)}${rangeOf(scope)})))`;
      return { query: `${p99(candidate, own)} / ${p99(stable, "stable")}`, samplesQuery: requests };
    }
    case "InvalidVectors": {
      const pools = `pool=~"${own}|mirror"`;
      const vectors = increase(gateway.vectors.name, of(candidate, pools));
      const invalid = increase(gateway.invalidVectors.name, of(candidate, pools));
      return { query: `(${invalid} or vector(0)) / ${vectors}`, samplesQuery: vectors };
    }
    case "ProbeMatch": {
      const pods = (name: string): string => `sum(${name}${of(candidate, inPool)})`;
      const probed = pods(gateway.probedPods.name);
      return { query: `${pods(gateway.probeMatchedPods.name)} / ${probed}`, samplesQuery: probed };
    }
    case "FlaggedShare": {
      // An attack that goes on flags requests of both: only what the candidate adds speaks against it.
      const scored = (selector: string): string => increase(monitor.consistencyScored.name, selector);
      const share = (selector: string): string =>
        `(${increase(monitor.consistencyFlagged.name, selector)} or vector(0)) / ${scored(selector)}`;
      const [ours, theirs] = [of(candidate, inPool), of(stable, 'pool="stable"')];
      return {
        query: `${share(ours)} - ${share(theirs)}`,
        samplesQuery: `(${scored(ours)} < ${scored(theirs)}) or ${scored(theirs)}`,
      };
    }
    case "MirrorOverlap": {
      const part = (suffix: string): string => increase(`${gateway.mirrorCosine.name}_${suffix}`, of(candidate));
      return { query: `${part("sum")} / ${part("count")}`, samplesQuery: part("count") };
    }
    default:
      return metric satisfies never;
  }
}

/** Stable answered each of them: that no client hears of it makes it no better. */
function errorsOfCopies(scope: RolloutScope): Measurement {
  const copies = (results: string): string =>
    increaseOf(scope, gateway.mirroredRequests.name, seriesOf(scope, scope.candidate, `result=~"${results}"`));
  const judged = copies("answered|failed|refused");
  return { query: `(${copies("failed|refused")} or vector(0)) / ${judged}`, samplesQuery: judged };
}

function errorsOfAnswers(scope: RolloutScope): string {
  const { candidate, stage } = scope;
  const count = (name: string, ...more: string[]): string =>
    `(${increaseOf(scope, name, seriesOf(scope, candidate, ...more))} or vector(0))`;
  if (stage === "Watch") return count(gateway.requests.name, 'pool="stable"', 'code=~"5.."');
  const failed = count(gateway.requests.name, 'pool="candidate"', 'code=~"5.."');
  // A refusal is the client's fault unless the stable model does not refuse. Those that nobody could be asked about are as
  // the others, once there are enough of these.
  const refused = (results: string): string => count(gateway.refusedRequests.name, `result=~"${results}"`);
  const asked = refused("alone|both|unclear");
  const unasked = `${refused("unasked")} / clamp_min(${asked}, 1) * (${asked} >= bool ${enoughRefusals})`;
  return `(${failed} + ${refused("alone")} * (1 + ${unasked}))`;
}

function seriesOf({ namespace, service }: RolloutScope, model: string, ...more: string[]): string {
  return `{${[scopeMatchers({ namespace, service, model }), ...more].join(",")}}`;
}

function increaseOf(scope: RolloutScope, name: string, selector: string): string {
  return `sum(increase(${name}${selector}${rangeOf(scope)}))`;
}

function rangeOf({ window }: RolloutScope): string {
  return `[${Math.max(1, Math.round(window / 1000))}s]`;
}

/** Puts the scope into a query of the user's: $namespace, $service, $stable, $candidate, each as label text. */
export function fillPlaceholders(promql: string, scope: Omit<RolloutScope, "window" | "stage">): string {
  const values = new Map(Object.entries(scope));
  return promql.replaceAll(/\$(namespace|service|stable|candidate)\b/g, (whole, name: string) => {
    const value = values.get(name);
    return typeof value === "string" ? escapeLabel(value) : whole;
  });
}

function scopeMatchers({ namespace, service, model }: Scope): string {
  return `namespace="${escapeLabel(namespace)}",service="${escapeLabel(service)}",model="${escapeLabel(model)}"`;
}

/** Label values in PromQL are Go strings: a name cannot end its matcher. */
function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
