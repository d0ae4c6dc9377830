import { type BuiltInSignal, type Scope, signalFigures, signalQuery } from "./builtin.ts";
import type { Prometheus, Sample } from "./prometheus.ts";
import { type Clock, type Verdict, verdict } from "./verdict.ts";

/** One of the monitor's own signals, about one service and model. */
export type AlarmSignal = {
  readonly kind: "BuiltIn";
  readonly signal: BuiltInSignal;
  readonly scope: Scope;
  /** The last block may have ended this many ms ago: some blocks and scrapes. */
  readonly maxAge: number;
};

/** A query that gives one number, with a limit on one side or both. */
export type LimitSignal = {
  readonly kind: "PromQL";
  readonly query: string;
  /** Fails above this. */
  readonly above?: number | undefined;
  /** Fails below this. */
  readonly below?: number | undefined;
  /** Samples older than this many ms do not count. */
  readonly maxAge: number;
  /** A second query that counts what stands behind the value, and the least it must be. */
  readonly samples?: { readonly query: string; readonly atLeast: number } | undefined;
};

export type Signal = AlarmSignal | LimitSignal;

/** Asks the source and judges its answer. It never throws for what the source does: that is a verdict too. */
export async function evaluate(signal: Signal, prometheus: Prometheus, clock: Clock): Promise<Verdict> {
  const at = clock.now();
  switch (signal.kind) {
    case "BuiltIn": {
      const query = signalQuery(signal.signal, signal.scope);
      const answer = await prometheus.query(query, at, signal.maxAge);
      if (answer.kind === "SourceError") return verdict({ ...answer, query, at });
      return judgeAlarm(signal, answer.samples, query, at);
    }
    case "PromQL":
      return evaluateLimit(signal, prometheus, at);
    default:
      return signal satisfies never;
  }
}

async function evaluateLimit(signal: LimitSignal, prometheus: Prometheus, at: number): Promise<Verdict> {
  const { query, maxAge } = signal;
  const [answer, counted] = await Promise.all([
    prometheus.query(query, at, maxAge),
    signal.samples ? prometheus.query(signal.samples.query, at, maxAge) : null,
  ]);
  if (answer.kind === "SourceError") return verdict({ ...answer, query, at });
  if (counted?.kind === "SourceError") return verdict({ ...counted, query: signal.samples?.query ?? query, at });
  const samples = counted ? (counted.samples[0]?.value ?? 0) : null;
  const judged = judgeLimit(signal, answer.samples, at);
  const atLeast = signal.samples?.atLeast ?? 0;
  // Without enough samples nothing is said, not even that there was no series. NaN is not enough either.
  if (samples !== null && !(samples >= atLeast) && judged.kind !== "SourceError") {
    return {
      ...judged,
      kind: "NoData",
      samples,
      reason: "TooFewSamples",
      message: `${Math.floor(samples) || 0} samples, at least ${atLeast} are needed`,
    };
  }
  return { ...judged, samples };
}

/** Judges the answer to a query that must give one number. */
export function judgeLimit(signal: LimitSignal, samples: readonly Sample[], at: number): Verdict {
  const { query, above, below, maxAge } = signal;
  const [sample, ...others] = samples;
  if (!sample) {
    return verdict({ kind: "NoData", query, at, reason: "NoSeries", message: "the query gives no series" });
  }
  if (others.length > 0) {
    const message = `the query gives ${samples.length} series, it must give one number`;
    return verdict({ kind: "SourceError", query, at, reason: "ManySeries", message });
  }
  if (Number.isNaN(sample.value)) {
    return verdict({ kind: "NoData", query, at, reason: "NotANumber", message: "the query gives NaN" });
  }
  const { value } = sample;
  if (at - sample.at > maxAge) {
    const message = `the newest value is ${Math.round((at - sample.at) / 1000)} s old, at most ${maxAge / 1000} s is allowed`;
    return verdict({ kind: "NoData", value, query, at, reason: "Stale", message });
  }
  if (above !== undefined && value > above) {
    const message = `${format(value)} is above ${format(above)}`;
    return verdict({ kind: "Fail", value, threshold: above, query, at, reason: "AboveLimit", message });
  }
  if (below !== undefined && value < below) {
    const message = `${format(value)} is below ${format(below)}`;
    return verdict({ kind: "Fail", value, threshold: below, query, at, reason: "BelowLimit", message });
  }
  const message = `${format(value)} is within its limits`;
  return verdict({
    kind: "Pass",
    value,
    threshold: above ?? below ?? null,
    query,
    at,
    reason: "WithinLimits",
    message,
  });
}

/** Judges the figures of a built-in signal. */
export function judgeAlarm(signal: AlarmSignal, samples: readonly Sample[], query: string, at: number): Verdict {
  const figure = newestFigures(samples);
  const alarm = figure("alarm");
  // Probes need no traffic: a changed model is known without any block.
  const lastBlock = signal.signal === "ModelChanged" ? at / 1000 : figure("lastBlock");
  if (alarm === null) {
    const message = `no series of ${signalFigures.alarm}: no gateway exports this signal for this model`;
    return verdict({ kind: "NoData", query, at, reason: "NoSeries", message });
  }
  if (lastBlock === null) {
    const message = "no block has had enough vectors yet: send requests through the gateway";
    return verdict({ kind: "NoData", query, at, reason: "NoBlock", message });
  }
  const attack = signal.signal === "AdversarialAnomaly";
  const facts = {
    value: attack ? figure("share") : (figure("evidence") ?? figure("effect")),
    threshold: attack ? figure("shareThreshold") : figure("evidenceThreshold"),
    samples: figure("samples"),
    alarm: figure("alarmNumber"),
    effect: figure("effect"),
    query,
    at,
  };
  if (Number.isNaN(alarm) || Number.isNaN(lastBlock)) {
    return verdict({ ...facts, kind: "NoData", reason: "NotANumber", message: "the alarm or its time is NaN" });
  }
  const age = at - lastBlock * 1000;
  if (age > signal.maxAge) {
    const message = `the last block with enough vectors ended ${Math.round(age / 1000)} s ago, at most ${signal.maxAge / 1000} s is allowed`;
    return verdict({ ...facts, kind: "NoData", reason: "Stale", message });
  }
  if (figure("learning") === 1) {
    return verdict({ ...facts, kind: "NoData", reason: "Learning", message: whyLearning(figure) });
  }
  if (alarm === 1) {
    const message = `alarm ${facts.alarm ?? "?"} is raised, effect ${format(facts.effect)}`;
    return verdict({ ...facts, kind: "Fail", reason: "AlarmRaised", message });
  }
  if (alarm === 0) {
    const tooFew = tooFewFor(signal.signal, facts);
    if (tooFew !== null) return verdict({ ...facts, kind: "NoData", reason: "TooFewSamples", message: tooFew });
    const message = `no alarm, effect ${format(facts.effect)}`;
    return verdict({ ...facts, kind: "Pass", reason: "NoAlarm", message });
  }
  const message = `${signalFigures.alarm} is ${alarm}, it must be 0 or 1`;
  return verdict({ ...facts, kind: "SourceError", reason: "Malformed", message });
}

/** A reference that no shift could raise an alarm against is as good as none. */
function whyLearning(figure: (name: Figure) => number | null): string {
  const [reachable, threshold] = [figure("evidenceReachable"), figure("evidenceThreshold")];
  if (reachable === null || threshold === null || !(reachable < threshold)) return "the signal has no reference yet";
  const [most, alarm] = [10 ** reachable, 10 ** threshold].map(format);
  const inputs = figure("neededInputs");
  const more = `more inputs in dataset.reference${inputs === null ? "" : ` (at least about ${inputs})`}`;
  return `the reference is too small: evidence comes to ${most} at most, an alarm takes ${alarm}; it needs ${more} or a laxer monitoring.falseAlarms`;
}

/** Why the silence of a signal says nothing, null when it does: what nobody has looked at is not known to be well. */
function tooFewFor(
  signal: BuiltInSignal,
  { value, samples }: { readonly value: number | null; readonly samples: number | null },
): string | null {
  const counted = Math.floor(samples ?? 0) || 0;
  if (signal === "AdversarialAnomaly" && (value === null || Number.isNaN(value))) {
    return `${counted} inputs were probed in the last blocks, too few for a bound: raise monitoring.consistency.sample`;
  }
  return signal === "ModelChanged" && !(counted > 0) ? "no pod has answered its probes" : null;
}

type Figure = keyof typeof signalFigures;

/**
 * Figures of the gateway whose last block is the newest: after a change of the lease's holder the old one's series stay
 * for some minutes.
 */
function newestFigures(samples: readonly Sample[]): (name: Figure) => number | null {
  const newest = samples
    .filter(({ labels }) => labels.__name__ === signalFigures.lastBlock)
    .reduce<Sample | null>((best, sample) => (best && !(sample.value > best.value) ? best : sample), null);
  const exporter = (sample: Sample): string => `${sample.labels.instance ?? ""} ${sample.labels.pod ?? ""}`;
  const own = samples.filter((sample) => newest === null || exporter(sample) === exporter(newest));
  return (name) => {
    const values = own.filter(({ labels }) => labels.__name__ === signalFigures[name]).map(({ value }) => value);
    return values.length > 0 ? Math.max(...values) : null;
  };
}

function format(value: number | null): string {
  return value === null ? "unknown" : String(Number(value.toPrecision(4)));
}
