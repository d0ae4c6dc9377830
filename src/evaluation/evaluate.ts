import { type Gate, type GateRow, judgeGates } from "../api/index.ts";
import { seededRandom } from "../monitor/index.ts";
import { benignFamilies, composeBenign } from "../training/perturbations/index.ts";
import { cleanSet } from "./clean-set.ts";
import { type Context, ofEach, type Scene } from "./context.ts";
import { geometryOf } from "./diagnostics/latent-space.ts";
import { proofOf } from "./diagnostics/proof.ts";
import { type EvaluationSet, firstRows, type Part } from "./evaluation-set.ts";
import { gateRow, measure, metrics } from "./gates/index.ts";
import { type Measurement, missing } from "./gates/measurement.ts";
import { measureTargets } from "./gates/targets.ts";
import type { EvaluationInput, NamedEncoder } from "./input.ts";
import { shiftOf } from "./live-shift.ts";
import { embedModel, type Model, type Models } from "./model.ts";
import { composeReport } from "./report/compose.ts";
import type { EvaluationReport } from "./report/schema.ts";
import { describeRobustness, measureRobustness, type RobustnessInput } from "./robustness.ts";

export type Evaluation = {
  readonly rows: readonly GateRow[];
  readonly report: EvaluationReport;
  readonly context: Context;
};

type Progress = (doing: string, share: number) => void;

/**
 * Measures a candidate against the active and the approved model (decisions 14 to 21).
 *
 * @throws {LeakedEvaluation}
 * @throws {DatasetError} when the evaluation set does not offer what `evaluationData` says
 */
export function evaluate(input: EvaluationInput, onProgress: Progress = () => {}): Evaluation {
  const began = performance.now();
  const { settings, seed, alpha } = input;
  onProgress("checking that nothing was trained on", 0);
  const cleaned = cleanSet(input);
  const { set } = cleaned;
  onProgress("embedding", 0.04);
  const models = embedModels(input, set);
  const random = seededRandom(seed + 31);
  const space = { modality: set.dataset.modality, shape: set.dataset.shape };
  const deviations = deviationsOf(set.documents, set.size);
  const benign = benignFamilies(input.perturbations, { ...space, deviations });
  const views = benign.length
    ? Array.from({ length: settings.draws }, () => composeBenign(benign, set.gate.old.inputs, set.size, 1, random))
    : [];
  const attacked = firstRows(set.gate.old, set.size, settings.attacked);
  const shift = shiftOf(input, set, models.active);
  const scene: Scene = { ...input, set, models, settings, attacked, views, deviations, shift };

  const measured = new Map<Gate["metric"], Measurement>();
  const measureOnce = (metric: Gate["metric"], context: Context): Measurement => {
    const known = measured.get(metric) ?? measure(metrics[metric], context);
    measured.set(metric, known);
    return known;
  };
  const rowOf = (gate: Gate, context: Context): GateRow => gateRow(gate, measureOnce(gate.metric, context), context);
  onProgress("measuring gates", 0.08);
  const unattacked = input.gates.filter(({ metric }) => !metrics[metric].attacks);
  const beforeAttacks: Context = { ...scene, robustness: [], targetResults: [] };
  const cheap = new Map(unattacked.map((gate) => [gate, rowOf(gate, beforeAttacks)]));
  const lost = settings.attackLost ? [] : lostGates(unattacked, [...cheap.values()], alpha);

  const robustInput: RobustnessInput = { ...input, set, models, attacked, deviations };
  const attacking = set.kind !== "None" && lost.length === 0;
  const robustness = attacking
    ? measureRobustness(robustInput, (share) => onProgress("attacking", 0.2 + 0.5 * share))
    : [];
  const targetResults = lost.length === 0 ? measureTargets({ ...scene, robustness }) : [];
  const context: Context = { ...scene, robustness, targetResults };
  if (lost.length > 0) {
    const why = missing(`not attacked, as the run is lost already: ${lost.join(", ")}`);
    for (const { metric } of input.gates) if (metrics[metric].attacks) measured.set(metric, why);
  }
  const rows = input.gates.map((gate) => cheap.get(gate) ?? rowOf(gate, context));
  const attacks = attacking
    ? describeRobustness(robustInput, robustness, (share) => onProgress("drawing the curve", 0.75 + 0.2 * share))
    : [];
  onProgress("describing", 0.95);
  const report = composeReport({
    input,
    cleaned,
    context,
    rows,
    measurementOf: (metric) => measureOnce(metric, context),
    attacks,
    proof: proofOf(set, models),
    geometry: ofEach(models, (model) => geometryOf(model, context)),
    at: new Date().toISOString(),
    seconds: (performance.now() - began) / 1000,
  });
  onProgress("done", 1);
  return { rows, report, context };
}

/**
 * Gates that fail or know nothing whatever attacks would show: no candidate gets past one, so that attacks, which take
 * most of the time, would decide nothing. A claim that fails among fewer claims fails among all (Holm).
 */
function lostGates(gates: readonly Gate[], rows: readonly GateRow[], alpha: number): string[] {
  return judgeGates(gates, rows, alpha)
    .filter(({ verdict }) => verdict === "Fail" || verdict === "NoData")
    .map(({ name }) => name);
}

function embedModels({ candidate, active, baseline }: EvaluationInput, set: EvaluationSet): Models {
  const of = ({ name, encoder }: NamedEncoder): Model => embedModel(name, encoder, set);
  const running = of(active);
  return { candidate: of(candidate), active: running, baseline: baseline === active ? running : of(baseline) };
}

function deviationsOf({ inputs, count }: Part, size: number): Float32Array {
  const sums = new Float64Array(size);
  const squares = new Float64Array(size);
  for (let i = 0; i < inputs.length; i++) {
    const value = inputs[i] ?? 0;
    sums[i % size] = (sums[i % size] ?? 0) + value;
    squares[i % size] = (squares[i % size] ?? 0) + value * value;
  }
  return Float32Array.from(squares, (square, j) =>
    Math.sqrt(Math.max(0, square / count - ((sums[j] ?? 0) / count) ** 2)),
  );
}
