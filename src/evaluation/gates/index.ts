import type { Gate, GateRow } from "../../api/index.ts";
import type { Context } from "../context.ts";
import { lowerBound, nonInferiority, superiority } from "../statistics/paired-test.ts";
import { cleanAccuracy, robustAccuracy, shiftedAccuracy } from "./accuracy.ts";
import { effectiveRankShare } from "./collapse.ts";
import { mixedIndexRecall, newDocumentRecall, oldIndexOverlap, oldIndexRecall } from "./compatibility.ts";
import { consistency } from "./consistency.ts";
import { latencyRatio } from "./latency.ts";
import { type Facts, type Measurement, type Metric, missing, type Scores } from "./measurement.ts";
import { memoryRatio } from "./memory.ts";
import { roundDown, roundNear, roundUp } from "./rounding.ts";
import { targetsMet } from "./targets.ts";

/** Every metric. Another one is one more file and one more line here. */
export const metrics: Readonly<Record<Gate["metric"], Metric>> = {
  CleanAccuracy: cleanAccuracy,
  ShiftedAccuracy: shiftedAccuracy,
  RobustAccuracy: robustAccuracy,
  OldIndexRecall: oldIndexRecall,
  NewDocumentRecall: newDocumentRecall,
  MixedIndexRecall: mixedIndexRecall,
  OldIndexOverlap: oldIndexOverlap,
  Consistency: consistency,
  EffectiveRank: effectiveRankShare,
  TargetsMet: targetsMet,
  LatencyRatio: latencyRatio,
  MemoryRatio: memoryRatio,
};

/** What a metric measures here, once for all gates on it. */
export function measure(metric: Metric, context: Context): Measurement {
  if (!metric.needs.includes(context.set.kind)) return missing(`needs evaluation data: ${metric.needs.join(" or ")}`);
  return metric.build(context);
}

/**
 * The facts of a gate (decision 29): the operator derives the verdict from them. What the verdict goes by is rounded against
 * the candidate, so that rounding never lets one pass.
 */
export function gateRow(
  gate: Gate,
  measurement: Measurement,
  context: Pick<Context, "alpha" | "seed" | "settings">,
): GateRow {
  const { name } = gate;
  if (measurement.kind === "Missing") return unmeasured(name, measurement.why);
  // A level for the bounds of AtLeast and AtMost, which spend no alpha of the evaluation set's.
  const alpha = context.alpha > 0 ? context.alpha : 0.05;
  const facts =
    measurement.kind === "Scores"
      ? testScores(gate, measurement, alpha, context)
      : measurement.test(gate.test, gate.margin, alpha);
  if (!facts) return unmeasured(name, `${gate.test} is no test for ${gate.metric}`);
  const value = measurement.kind === "Scores" ? average(measurement.candidate) : measurement.value;
  const note = facts.note?.slice(0, 80);
  return {
    name,
    value: finite(value, roundNear),
    bound: finite(facts.bound, gate.test === "AtMost" ? roundUp : roundDown),
    p: finite(facts.p, roundUp),
    n: facts.n,
    needed: Math.min(Math.max(facts.needed, gate.minSample), 1_000_000_000),
    ...(note && { note }),
  };
}

/** No-loss is tested against active and baseline, and the worse of both counts (decision 18). */
function testScores(
  gate: Gate,
  scores: Scores,
  alpha: number,
  { seed, settings }: Pick<Context, "seed" | "settings">,
): Facts {
  const { candidate, sources } = scores;
  const given = { alpha, margin: gate.margin, seed, resamples: settings.resamples };
  const before = `active ${average(scores.active).toFixed(3)}`;
  switch (gate.test) {
    case "NonInferiority": {
      const active = nonInferiority({ candidate, other: scores.active, sources }, given);
      const baseline =
        scores.baseline === scores.active
          ? active
          : nonInferiority({ candidate, other: scores.baseline, sources }, given);
      const note = `${before}, baseline ${average(scores.baseline).toFixed(3)}`;
      return { ...(active.p >= baseline.p ? active : baseline), note };
    }
    case "Superiority": {
      const better = superiority({ candidate, other: scores.active, sources }, given);
      return { ...better, note: `${before}; 80% power for ${gate.margin} needs ${better.powered}` };
    }
    case "AtLeast": {
      const { bound, n } = lowerBound(candidate, sources, given);
      return { bound, p: null, n, needed: 1, note: before };
    }
    case "AtMost": {
      const flipped = lowerBound(
        Float64Array.from(candidate, (score) => 1 - score),
        sources,
        given,
      );
      return { bound: 1 - flipped.bound, p: null, n: flipped.n, needed: 1, note: before };
    }
    default:
      return gate.test satisfies never;
  }
}

function unmeasured(name: string, why: string): GateRow {
  return { name, value: null, bound: null, p: null, n: 0, needed: 1, note: why.slice(0, 80) };
}

export function average(scores: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] ?? 0;
  return sum / scores.length;
}

/** JSON has no NaN; null is NoData, which is never a pass. */
function finite(value: number | null, round: (value: number) => number): number | null {
  return value !== null && Number.isFinite(value) ? round(value) : null;
}
