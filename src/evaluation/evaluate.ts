import {
  type EvaluationData,
  type Gate,
  type GateRow,
  judgeGates,
  mostQuarantined,
  type Perturbation,
  type Target,
} from "../api/index.ts";
import { type Encoder, embedAll } from "../model/index.ts";
import { type Matrix, type Squeezer, seededRandom, selectRows } from "../monitor/index.ts";
import {
  type Dataset,
  DatasetError,
  type ReferenceEmbeddings,
  rowsOfPart,
  rowsOfSplit,
  takeRows,
} from "../registry/index.ts";
import { benignFamilies, composeBenign } from "../training/perturbations/index.ts";
import { attackRows, embedFlat, gatingAttacks } from "./attacks/index.ts";
import { type Context, ofEach, type Scene, type Settings } from "./context.ts";
import { effectiveRank } from "./diagnostics/effective-rank.ts";
import { type ExplainedShift, explainShift, mostLive } from "./diagnostics/explained-shift.ts";
import { alignment, silhouette, uniformity } from "./diagnostics/geometry.ts";
import { dealEvaluationSet, type EvaluationSet, firstRows, narrow, type Part, scaledInputs } from "./evaluation-set.ts";
import { average, gateRow, measure, metrics } from "./gates/index.ts";
import { type Measurement, missing } from "./gates/measurement.ts";
import { measureTargets } from "./gates/targets.ts";
import { nearDuplicates, sharedSources } from "./leakage.ts";
import { answers, embedModel, type Model, type Models, neighbourhood, servedIndex, victimOf } from "./model.ts";
import { cappedRecall, nearest } from "./neighbours.ts";
import type { EvaluationReport } from "./report/schema.ts";
import { describeRobustness, measureRobustness, type RobustnessInput } from "./robustness.ts";
import { mcnemar } from "./statistics/mcnemar.ts";

/** A model to evaluate, by the name it is reported under. */
export type NamedEncoder = { readonly name: string; readonly encoder: Encoder };

export type EvaluationInput = {
  readonly run: string;
  readonly candidate: NamedEncoder;
  readonly active: NamedEncoder;
  /** the same object as `active` when they are one version */
  readonly baseline: NamedEncoder;
  /** what was trained on, by source; null when it is not at hand, and leakage cannot be looked for */
  readonly reference: Dataset | null;
  /** what gates are measured on; the reference's held-out splits when null */
  readonly evaluation: Dataset | null;
  readonly traffic: Dataset | null;
  /** share of the traffic that training has set aside */
  readonly quarantined?: number | undefined;
  /** the active model's accepted reference: what live traffic is compared with; null when its bundle brings none */
  readonly accepted: ReferenceEmbeddings | null;
  readonly evaluationData: EvaluationData;
  readonly perturbations: readonly Perturbation[];
  readonly targets: readonly Target[];
  readonly gates: readonly Gate[];
  readonly alpha: number;
  readonly seed: number;
  readonly settings: Settings;
  readonly backend: string;
};

export type Evaluation = {
  readonly rows: readonly GateRow[];
  readonly report: EvaluationReport;
  readonly context: Context;
};

/** Queries share a source with training inputs, so nothing measured on them would mean anything. */
export class LeakedEvaluation extends Error {
  override readonly name = "LeakedEvaluation";
  readonly overlap: number;

  constructor(overlap: number) {
    super(`${overlap} source ids are shared between training, gate and proof sets: split by source before training`);
    this.overlap = overlap;
  }
}

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
  const { set, overlap, duplicates } = cleanSet(input);
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
  const measurementOf = (metric: Gate["metric"]): Measurement => measureOnce(metric, context);
  const attacks = attacking
    ? describeRobustness(robustInput, robustness, (share) => onProgress("drawing the curve", 0.75 + 0.2 * share))
    : [];
  onProgress("describing", 0.95);
  const verdicts = judgeGates(input.gates, rows, alpha);
  const clean = measurementOf("CleanAccuracy");
  const report: EvaluationReport = {
    schema: "evenkeel.dev/evaluation/v1",
    run: input.run,
    at: new Date().toISOString(),
    backend: input.backend,
    seconds: 0,
    seed,
    alpha,
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
    gates: verdicts.map((verdict, i) => {
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
    proof: proofOf(set, models),
    index: {
      oldIndexRecall: summary(measurementOf("OldIndexRecall")),
      newDocumentRecall: summary(measurementOf("NewDocumentRecall")),
      mixedIndexRecall: summary(measurementOf("MixedIndexRecall")),
      overlap: summary(measurementOf("OldIndexOverlap")).candidate,
      ...flips(clean),
    },
    attacks,
    targets: [...context.targetResults],
    geometry: ofEach(models, (model) => geometryOf(model, context)),
  };
  onProgress("done", 1);
  return { rows, report: { ...report, seconds: (performance.now() - began) / 1000 }, context };
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

/** The evaluation set without near duplicates of training inputs, after the check that no id is shared. */
function cleanSet(input: EvaluationInput): { set: EvaluationSet; overlap: number | null; duplicates: number } {
  const { reference, evaluation, traffic, evaluationData, settings } = input;
  const measured = evaluation ?? reference;
  if (!measured) throw new DatasetError("Empty", "there is neither an evaluation set nor a reference to measure on");
  const dealt = dealEvaluationSet(measured, evaluationData, settings, evaluation === null);
  if (!reference) return { set: dealt, overlap: null, duplicates: 0 };
  const trained = [...rowsOfSplit(reference, ["train", "control"])];
  // An evaluation set of its own must share nothing with the reference at all.
  const all = (dataset: Dataset): number[] => Array.from({ length: dataset.count }, (_, row) => row);
  const overlap = sharedSources([
    [
      { dataset: reference, rows: evaluation ? all(reference) : trained },
      ...(traffic ? [{ dataset: traffic, rows: all(traffic) }] : []),
    ],
    [{ dataset: dealt.dataset, rows: [...dealt.gate.old.rows, ...dealt.gate.shifted.rows] }],
    [{ dataset: dealt.dataset, rows: [...dealt.proof.old.rows, ...dealt.proof.shifted.rows] }],
  ]);
  if (overlap > 0) throw new LeakedEvaluation(overlap);
  const training = scaledInputs(reference, trained);
  let duplicates = 0;
  const fresh = (part: Part): Part => {
    const near = nearDuplicates(part.inputs, training, dealt.size);
    duplicates += near.filter((row) => row >= 0).length;
    return narrow(part, dealt.size, (i) => near[i] === -1);
  };
  const set = {
    ...dealt,
    gate: { old: fresh(dealt.gate.old), shifted: fresh(dealt.gate.shifted) },
    proof: { old: fresh(dealt.proof.old), shifted: fresh(dealt.proof.shifted) },
  };
  return { set, overlap, duplicates };
}

function embedModels({ candidate, active, baseline }: EvaluationInput, set: EvaluationSet): Models {
  const squeezers: Squeezer[] = set.dataset.modality === "Image" ? ["Median", "BoxBlur"] : ["Quantise"];
  const of = ({ name, encoder }: NamedEncoder): Model => embedModel(name, encoder, set, squeezers);
  const running = of(active);
  return { candidate: of(candidate), active: running, baseline: baseline === active ? running : of(baseline) };
}

/** A shift seen in traffic of which too much was set aside may be the attacker's (decision 11). */
function shiftOf(input: EvaluationInput, set: EvaluationSet, active: Model): Scene["shift"] {
  if (!input.traffic) return "NoTraffic";
  if ((input.quarantined ?? 0) > mostQuarantined) return "Quarantined";
  return explainLive(input, input.traffic, set, active) ?? "Unknown";
}

/** How much of the shift in captured traffic the labelled slice shows, by the newest of what enters no reference. */
function explainLive(
  { active, accepted }: EvaluationInput,
  traffic: Dataset,
  set: EvaluationSet,
  { old, shifted, dimension: columns }: Model,
): ExplainedShift | null {
  if (!accepted || accepted.dimension !== columns || traffic.shape.join() !== set.dataset.shape.join()) return null;
  const times = traffic.times ?? new Float64Array(traffic.count);
  const newest = rowsOfPart(traffic, "Judging").sort((a, b) => (times[b] ?? 0) - (times[a] ?? 0) || a - b);
  const live = takeRows(traffic, newest.slice(0, mostLive));
  const expected = [...accepted.live.keys()].filter((row) => accepted.live[row] === 1);
  const matrix = (data: Float32Array): Matrix => ({ rows: data.length / columns, columns, data });
  return explainShift({
    accepted: selectRows({ rows: accepted.count, columns, data: accepted.embeddings }, expected),
    live: matrix(embedAll(active.encoder, live.inputs)),
    old: matrix(old),
    shifted: matrix(shifted),
  });
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

function proofOf(set: EvaluationSet, models: Models): EvaluationReport["proof"] {
  const none = { candidate: null, active: null, baseline: null };
  if (set.kind === "None") return { clean: none, shifted: none, oldIndexRecall: none };
  const accuracy = (part: Part) =>
    part.count === 0
      ? none
      : ofEach(models, (model) =>
          average(answers(embedFlat(model, part.inputs), part.labels, servedIndex(model, models), set)),
        );
  const { old } = set.proof;
  const recall = (model: Model): number => {
    const neighbours = nearest(embedFlat(model, old.inputs), servedIndex(model, models), neighbourhood);
    return average(cappedRecall(neighbours, old.labels, set.documents.labels));
  };
  return {
    clean: accuracy(old),
    shifted: accuracy(set.proof.shifted),
    oldIndexRecall: old.count === 0 ? none : ofEach(models, recall),
  };
}

function geometryOf(model: Model, context: Context): EvaluationReport["geometry"]["candidate"] {
  const { set, settings, views } = context;
  const d = model.dimension;
  const sample = firstRows(set.gate.old, set.size, 500);
  const vectors = model.old.subarray(0, sample.count * d);
  const [view] = views;
  return {
    alignment: view ? finite(alignment(vectors, embedFlat(model, view.subarray(0, sample.inputs.length)), d)) : null,
    uniformity: finite(uniformity(vectors, d)),
    effectiveRank: finite(effectiveRank(model.old, d)),
    silhouette: set.kind === "Labelled" ? finite(silhouette(vectors, d, sample.labels)) : null,
    localLipschitz: finite(localLipschitz(model, context, firstRows(sample, set.size, settings.sampled))),
  };
}

/** Mean over inputs of the largest relative movement that ascent finds in a small L2 ball. */
function localLipschitz(model: Model, { set, models, settings, seed }: Context, part: Part): number {
  const attack = gatingAttacks.find(({ name }) => name === "Displacement");
  const rows = Array.from({ length: part.count }, (_, i) => i);
  if (!attack || rows.length === 0) return Number.NaN;
  const radius = 0.1;
  const victim = victimOf(model, servedIndex(model, models), set, part.labels);
  const clean = embedFlat(model, part.inputs);
  const found = attackRows(attack, victim, part, clean, rows, {
    ball: { norm: "L2", epsilon: radius, scales: null, bounded: set.dataset.modality === "Image" },
    budget: { ...settings.budget, steps: 10, restarts: 1 },
    squeezers: [],
    seed,
  });
  if (!found) return Number.NaN;
  const moved = embedFlat(model, found);
  const d = model.dimension;
  const slope = (i: number): number => {
    const change = distance(moved, clean, i, d);
    return change / Math.max(distance(found, part.inputs, i, set.size), 1e-12);
  };
  return average(rows.map(slope));
}

function distance(a: Float32Array, b: Float32Array, row: number, width: number): number {
  let squares = 0;
  for (let i = row * width; i < (row + 1) * width; i++) squares += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return Math.sqrt(squares);
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

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
