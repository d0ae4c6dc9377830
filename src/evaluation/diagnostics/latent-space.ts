import { attackRows, embedFlat, gatingAttacks } from "../attacks/index.ts";
import type { Context } from "../context.ts";
import { firstRows, type Part } from "../evaluation-set.ts";
import { average } from "../gates/index.ts";
import { type Model, servedIndex, victimOf } from "../model.ts";
import type { EvaluationReport } from "../report/schema.ts";
import { effectiveRank } from "./effective-rank.ts";
import { alignment, silhouette, uniformity } from "./geometry.ts";

/** How a model uses its space, for the report. */
export function geometryOf(model: Model, context: Context): EvaluationReport["geometry"]["candidate"] {
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

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
