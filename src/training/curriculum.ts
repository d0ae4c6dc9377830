/** How hard training is made. Counted in steps, so that a slow machine gives the same model (decision 44). */
export type Curriculum = {
  /** share of the adversarial budget, 0 to 1 */
  readonly scale: number;
  /** gradient steps of the training attack */
  readonly attackSteps: number;
  /** strength of augmentation that is annealed, 0 to 1 */
  readonly augmentation: number;
  /** best accuracy on clean probes so far */
  readonly bestClean: number;
  /** robust accuracy at the last probe, null before the first */
  readonly lastRobust: number | null;
};

/** Measured on the control split, which is never trained on; shares in [0, 1]. */
export type ProbeMeasure = {
  readonly clean: number;
  /** under one step of the whole radius */
  readonly fgsm: number;
  /** under PGD with 10 steps */
  readonly robust: number;
  /** exp of the entropy of the embeddings' spectrum */
  readonly effectiveRank: number;
};

export type CurriculumStep = {
  readonly action: "Raise" | "Lower" | "Hold" | "RollBack";
  readonly why: string;
  readonly next: Curriculum;
};

export type CurriculumLimits = {
  /** numbers in an embedding */
  readonly dimension: number;
  /** numbers of attack steps, ascending: the curriculum walks along them */
  readonly attackSteps: readonly number[];
  /** share of training that is done, 0 to 1 */
  readonly progress: number;
};

const ready = 0.75;
const tooHard = 0.5;
const cleanLoss = 0.02;
const overfittingGap = 0.15;
const overfittingFall = 0.1;

export function startCurriculum(attackSteps: readonly number[], scale = 0.5): Curriculum {
  return { scale, attackSteps: attackSteps[0] ?? 1, augmentation: 1, bestClean: 0, lastRobust: null };
}

/**
 * The next stage from what was measured. The first rule that answers wins:
 *
 * 1. catastrophic overfitting (Wong, Rice and Kolter 2020): FGSM looks fine while PGD falls; roll back, more attack steps
 * 2. too hard: robust/clean below .5, or clean 2 points below its best; budget times .9
 * 3. ready: robust/clean above .75; budget times 1.15, and at the whole budget more attack steps
 */
export function nextCurriculum(now: Curriculum, measure: ProbeMeasure, limits: CurriculumLimits): CurriculumStep {
  const { clean, fgsm, robust, effectiveRank } = measure;
  const collapsing = effectiveRank < 0.3 * limits.dimension;
  const kept: Curriculum = {
    ...now,
    bestClean: Math.max(now.bestClean, clean),
    lastRobust: robust,
    // A spectrum that gets narrow needs its augmentation: annealing stands still until it is wide again.
    augmentation: collapsing ? now.augmentation : 1 - limits.progress,
  };
  const moreSteps = limits.attackSteps.find((steps) => steps > now.attackSteps) ?? now.attackSteps;
  const ratio = clean > 0 ? robust / clean : 0;

  if (now.lastRobust !== null && robust < now.lastRobust - overfittingFall && fgsm - robust > overfittingGap) {
    return {
      action: "RollBack",
      why: `catastrophic overfitting: FGSM ${percent(fgsm)}, PGD fell from ${percent(now.lastRobust)} to ${percent(robust)}`,
      next: { ...kept, attackSteps: moreSteps, lastRobust: now.lastRobust },
    };
  }
  if (clean < now.bestClean - cleanLoss) {
    return lower(kept, `clean accuracy ${percent(clean)} is over 2 points below its best, ${percent(now.bestClean)}`);
  }
  if (ratio < tooHard) return lower(kept, `robust over clean is ${ratio.toFixed(2)}, below ${tooHard}`);
  if (ratio > ready) {
    const why = `robust over clean is ${ratio.toFixed(2)}, above ${ready}`;
    if (now.scale < 1) return { action: "Raise", why, next: { ...kept, scale: Math.min(1, now.scale * 1.15) } };
    if (moreSteps > now.attackSteps) return { action: "Raise", why, next: { ...kept, attackSteps: moreSteps } };
  }
  return { action: "Hold", why: `robust over clean is ${ratio.toFixed(2)}`, next: kept };
}

/** α for K steps over a radius: a quarter of it, larger when there are few steps, or the border is out of reach. */
export function stepSizeOf(radius: number, steps: number): number {
  return Math.max(radius / 4, (1.5 * radius) / steps);
}

function lower(now: Curriculum, why: string): CurriculumStep {
  return { action: "Lower", why, next: { ...now, scale: now.scale * 0.9 } };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
