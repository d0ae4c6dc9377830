import { type Gate, type GateRow, judgeGates } from "../../api/index.ts";
import type { CleanSet } from "../clean-set.ts";
import type { Context } from "../context.ts";
import { average } from "../gates/index.ts";
import type { Measurement } from "../gates/measurement.ts";
import type { EvaluationInput } from "../input.ts";
import { mcnemar } from "../statistics/mcnemar.ts";
import type { EvaluationReport } from "./schema.ts";

/** All that was measured, and when. */
export type Measured = Pick<EvaluationReport, "at" | "seconds" | "attacks" | "proof" | "geometry"> & {
  readonly input: EvaluationInput;
  readonly cleaned: CleanSet;
  readonly context: Context;
  readonly rows: readonly GateRow[];
  readonly measurementOf: (metric: Gate["metric"]) => Measurement;
};

export function composeReport(measured: Measured): EvaluationReport {
  const { input, cleaned, context, rows, measurementOf, attacks, proof, geometry, at, seconds } = measured;
  const { set, overlap, duplicates } = cleaned;
  const { models, attacked, shift } = context;
  const clean = measurementOf("CleanAccuracy");
  return {
    schema: "evenkeel.dev/evaluation/v1",
    run: input.run,
    at,
    backend: input.backend,
    seconds,
    seed: input.seed,
    alpha: input.alpha,
    evaluationData: set.kind,
    models: {
      candidate: input.candidate.name,
      active: input.active.name,
      baseline: input.baseline.name,
      architecture: input.candidate.encoder.network.architecture,
      dimension: models.candidate.dimension,
    },
    data: {
      source: set.dataset.source,
      documents: set.documents.count,
      gate: { old: set.gate.old.count, shifted: set.gate.shifted.count, attacked: attacked.count },
      proof: { old: set.proof.old.count, shifted: set.proof.shifted.count },
      overlap,
      nearDuplicates: duplicates,
    },
    gates: judgeGates(input.gates, rows, input.alpha).map((verdict, i) => {
      const gate = input.gates[i];
      const isLevel = gate?.test === "AtLeast" || gate?.test === "AtMost";
      const limit = (isLevel ? gate?.limit : gate?.test === "NonInferiority" ? -gate.margin : 0) ?? null;
      return { ...verdict, metric: gate?.metric ?? "", test: gate?.test ?? "", limit };
    }),
    accuracy: {
      clean: summary(clean),
      shifted: summary(measurementOf("ShiftedAccuracy")),
      robust: summary(measurementOf("RobustAccuracy")),
    },
    shift: typeof shift === "string" ? null : shift,
    proof,
    index: {
      oldIndexRecall: summary(measurementOf("OldIndexRecall")),
      newDocumentRecall: summary(measurementOf("NewDocumentRecall")),
      mixedIndexRecall: summary(measurementOf("MixedIndexRecall")),
      overlap: summary(measurementOf("OldIndexOverlap")).candidate,
      ...flips(clean),
    },
    attacks,
    targets: [...context.targetResults],
    geometry,
  };
}

function summary(measurement: Measurement): EvaluationReport["accuracy"]["clean"] {
  if (measurement.kind !== "Scores") return { candidate: null, active: null, baseline: null };
  const of = (scores: ArrayLike<number>): number | null => (scores.length > 0 ? average(scores) : null);
  return { candidate: of(measurement.candidate), active: of(measurement.active), baseline: of(measurement.baseline) };
}

function flips(clean: Measurement): { negativeFlips: number | null; mcnemar: number | null } {
  if (clean.kind !== "Scores") return { negativeFlips: null, mcnemar: null };
  let lost = 0;
  let gained = 0;
  for (let i = 0; i < clean.candidate.length; i++) {
    const step = (clean.candidate[i] ?? 0) - (clean.active[i] ?? 0);
    if (step < 0) lost += 1;
    if (step > 0) gained += 1;
  }
  return { negativeFlips: lost / clean.candidate.length, mcnemar: mcnemar(gained, lost) };
}
