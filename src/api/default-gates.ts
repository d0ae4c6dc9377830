import type { CauseClass } from "./cause.ts";
import type { Target } from "./threat-model.ts";
import { type EvaluationData, type Gate, gate } from "./training.ts";

/**
 * The gates of a service that names none.
 *
 * No-loss gates are the same for every cause. What a run must improve follows from why it was started: an attack asks
 * for robustness, a drift for the new domain. Runs on a schedule or by hand must be more robust, as what evenkeel
 * retrains for is robustness; a run that should prove something else names its gates.
 * Without labels or pairs no gain can be shown, only that the candidate is no worse (decision 15). Targets of the threat
 * model are met by every new model, whatever it was made for.
 */
export function defaultGates(
  evaluationData: EvaluationData,
  causeClass: CauseClass,
  targets: readonly Target[],
): Gate[] {
  const chosen = choose(evaluationData, causeClass);
  return (targets.length > 0 ? [...chosen, meetsTargets] : chosen).map((fields) => gate.parse(fields));
}

type Fields = Pick<Gate, "name" | "metric" | "test"> & Partial<Gate>;

const noHarm: readonly Fields[] = [
  { name: "consistency", metric: "Consistency", test: "NonInferiority", margin: 0.02 },
  { name: "no-collapse", metric: "EffectiveRank", test: "NonInferiority", margin: 0.1 },
  { name: "latency", metric: "LatencyRatio", test: "AtMost", limit: 2, warn: 1.5 },
  { name: "memory", metric: "MemoryRatio", test: "AtMost", limit: 1.25, warn: 1.1 },
];

const meetsTargets: Fields = { name: "targets", metric: "TargetsMet", test: "AtLeast", limit: 1 };

const keepsIndex: readonly Fields[] = [
  { name: "old-index", metric: "OldIndexRecall", test: "NonInferiority", margin: 0.02 },
  { name: "new-documents", metric: "NewDocumentRecall", test: "NonInferiority", margin: 0.02 },
  { name: "mixed-index", metric: "MixedIndexRecall", test: "NonInferiority", margin: 0.02 },
];

/**
 * Without labels it alone speaks for the index, so half of ten neighbours must stay. Where recall is measured it is a
 * floor only: inside a class many documents are equally good neighbours.
 */
const overlap = (limit: number, warn: number): Fields => ({
  name: "overlap",
  metric: "OldIndexOverlap",
  test: "AtLeast",
  limit,
  warn,
});

function choose(evaluationData: EvaluationData, causeClass: CauseClass): Fields[] {
  if (evaluationData === "None") return [overlap(0.5, 0.6), ...noHarm];
  const forShift = causeClass === "Drift" || causeClass === "Custom";
  return [
    { name: "clean-accuracy", metric: "CleanAccuracy", test: "NonInferiority", margin: 0.02 },
    ...keepsIndex,
    forShift
      ? { name: "shifted-accuracy", metric: "ShiftedAccuracy", test: "Superiority", margin: 0.02 }
      : { name: "robust-accuracy", metric: "RobustAccuracy", test: "Superiority", margin: 0.02 },
    ...(forShift
      ? [{ name: "robust-accuracy", metric: "RobustAccuracy", test: "NonInferiority", margin: 0.05 } satisfies Fields]
      : []),
    overlap(0.2, 0.3),
    ...noHarm,
  ];
}
