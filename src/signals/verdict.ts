/**
 * What a signal says. Unknown has two names of its own and is never a pass and never a fail: NoData when there is
 * nothing to judge by (yet), SourceError when the source could not be asked or its answer makes no sense.
 */
export type Verdict = {
  readonly kind: "Pass" | "Fail" | "NoData" | "SourceError";
  readonly value: number | null;
  readonly threshold: number | null;
  /** Vectors, probes or requests behind the value, where the signal counts them. */
  readonly samples: number | null;
  /** Number of the alarm, for built-in signals. */
  readonly alarm: number | null;
  /** Size of the shift, for built-in signals. */
  readonly effect: number | null;
  /** The PromQL that was asked. */
  readonly query: string;
  /** When it was asked, in ms of Unix time. */
  readonly at: number;
  readonly reason: Reason;
  /** The same for people: what was seen and what was expected. */
  readonly message: string;
};

export type Reason =
  | "WithinLimits"
  | "AboveLimit"
  | "BelowLimit"
  | "AlarmRaised"
  | "NoAlarm"
  | "NoSeries"
  | "NoBlock"
  | "NotANumber"
  | "Stale"
  | "Learning"
  | "TooFewSamples"
  | SourceFault;

/** Why a source gave no usable answer, or was not asked for one. */
export type SourceFault =
  | "PrometheusNotAllowed"
  | "SecretMissing"
  | "SecretUnreadable"
  | "Unreachable"
  | "TimedOut"
  | "HttpError"
  | "Redirected"
  | "TooLarge"
  | "Malformed"
  | "BadQuery"
  | "Partial"
  | "ManySeries"
  | "NotAVector";

/** Milliseconds of Unix time. */
export type Clock = { now(): number };

/** @returns a verdict with what is not given set to null */
export function verdict(
  parts: Pick<Verdict, "kind" | "query" | "at" | "reason" | "message"> & Partial<Verdict>,
): Verdict {
  return { value: null, threshold: null, samples: null, alarm: null, effect: null, ...parts };
}
