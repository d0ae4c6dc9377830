import type { Target } from "../../api/index.ts";
import { seededRandom } from "../../monitor/index.ts";
import { benignFamilies } from "../../training/perturbations/index.ts";
import { attackRows, ballOf, embedFlat, gatingAttacks } from "../attacks/index.ts";
import type { Context, TargetResult } from "../context.ts";
import { answers, servedIndex, victimOf } from "../model.ts";
import { lowerBound } from "../statistics/paired-test.ts";
import { cosines } from "./consistency.ts";
import { type Metric, missing } from "./measurement.ts";

/** Share of the threat model's targets that the candidate meets, each by its lower confidence bound. */
export const targetsMet: Metric = {
  name: "TargetsMet",
  needs: ["Labelled", "Pairs", "None"],
  attacks: true,
  build: (context) => {
    if (context.targets.length === 0) return missing("the threat model has no targets");
    const results = context.targetResults;
    const value = results.filter(({ met }) => met).length / results.length;
    const n = Math.min(...results.map((result) => result.n));
    const unmet = results.filter(({ met }) => !met).map(({ perturbation, metric }) => `${metric} ${perturbation}`);
    return {
      kind: "Statistic",
      value,
      test: (test) =>
        test === "AtLeast"
          ? { bound: value, p: null, n, needed: 1, note: unmet.join(", ") || "all targets are met" }
          : null,
    };
  },
};

type Attacked = Omit<Context, "targetResults">;

export function measureTargets(context: Attacked): TargetResult[] {
  return context.targets.map((target) => {
    const scores = scoresOf(target, context);
    if (!scores || scores.length === 0) return { ...target, value: null, bound: null, n: 0, met: false };
    const { alpha, seed, settings, attacked } = context;
    const level = alpha > 0 ? alpha : 0.05;
    const found = lowerBound(scores, attacked.sources, { alpha: level, seed, resamples: settings.resamples });
    return { ...target, ...found, met: found.bound >= target.atLeast };
  });
}

/** A score in [0, 1] for each attacked query, null where the metric cannot be measured. */
function scoresOf(target: Target, context: Attacked): ArrayLike<number> | null {
  const perturbation = context.perturbations.find(({ name }) => name === target.perturbation);
  if (!perturbation) return null;
  const labelled = context.set.kind !== "None";
  if (target.metric === "RobustAccuracy" && !labelled) return null;
  if (perturbation.kind === "Adversarial") {
    return target.metric === "RobustAccuracy"
      ? (context.robustness.find((family) => family.perturbation.name === target.perturbation)?.candidate.right ?? null)
      : displaced(context, target.perturbation);
  }
  return underBenign(target, context);
}

/** The worst of several draws of one benign family. */
function underBenign(target: Target, context: Attacked): Float64Array {
  const { set, models, attacked, settings, seed, deviations, perturbations } = context;
  const space = { modality: set.dataset.modality, shape: set.dataset.shape, deviations };
  const [family] = benignFamilies(
    perturbations.filter(({ name }) => name === target.perturbation),
    space,
  );
  const { candidate } = models;
  const clean = embedFlat(candidate, attacked.inputs);
  const random = seededRandom(seed + 4051);
  const worst = new Float64Array(attacked.count).fill(1);
  if (!family) return worst;
  for (let draw = 0; draw < settings.draws; draw++) {
    const inputs = new Float32Array(attacked.inputs.length);
    for (let from = 0; from < inputs.length; from += set.size) {
      inputs.set(family(attacked.inputs.subarray(from, from + set.size), 1, random), from);
    }
    const vectors = embedFlat(candidate, inputs);
    const scores =
      target.metric === "RobustAccuracy"
        ? answers(vectors, attacked.labels, servedIndex(candidate, models), set)
        : cosines(clean, vectors, candidate.dimension);
    scores.forEach((score, i) => {
      worst[i] = Math.min(worst[i] ?? 1, score);
    });
  }
  return worst;
}

/** Cosine that is left after label-free displacement. */
function displaced(context: Attacked, name: string): Float64Array | null {
  const { set, models, attacked, settings, seed, deviations, perturbations } = context;
  const perturbation = perturbations.find((family) => family.name === name);
  const ball = perturbation && ballOf(perturbation, set.dataset.modality === "Image", deviations);
  const attack = gatingAttacks.find((candidate) => candidate.name === "Displacement");
  if (!ball || !attack) return null;
  const { candidate } = models;
  const victim = victimOf(candidate, servedIndex(candidate, models), set, attacked.labels);
  const clean = embedFlat(candidate, attacked.inputs);
  const scores = new Float64Array(attacked.count);
  for (let from = 0; from < attacked.count; from += 256) {
    const rows = Array.from({ length: Math.min(256, attacked.count - from) }, (_, i) => from + i);
    const setting = { ball, budget: settings.budget, squeezers: [], seed };
    const found = attackRows(attack, victim, attacked, clean, rows, setting);
    if (!found) return null;
    const vectors = embedFlat(candidate, found);
    const d = candidate.dimension;
    scores.set(cosines(clean.subarray(from * d, (from + rows.length) * d), vectors, d), from);
  }
  return scores;
}
