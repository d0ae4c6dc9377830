import * as tf from "@tensorflow/tfjs";
import type { Random, Squeezer } from "../../monitor/index.ts";
import { apgd } from "./apgd.ts";
import type { Ball } from "./ball.ts";
import type { Found, Loss, Problem } from "./gradient.ts";
import {
  crossEntropy,
  displacement,
  type Embed,
  impersonation,
  margin,
  type Objective,
  type Scene,
} from "./objectives.ts";
import { fgsm, pgd } from "./pgd.ts";
import { square } from "./square.ts";
import { squeezeTensor } from "./squeezers.ts";

/** How long attacks may search. */
export type Budget = {
  /** gradient steps of one search; at least five times those of training (decision 19) */
  readonly steps: number;
  readonly restarts: number;
  /** forward passes of the black-box search */
  readonly queries: number;
};

/** What an attack works on. */
export type Target = {
  readonly embed: Embed;
  /** of one input, [h, w, c] or [d] */
  readonly shape: readonly number[];
  readonly scene: Scene;
  readonly ball: Ball;
  /** the squeezers that a defender is known to use */
  readonly squeezers: readonly Squeezer[];
  readonly budget: Budget;
};

/** An attack: an objective and a way to search for it. `fits` says whether the target has what it searches through. */
export type Attack = {
  readonly name: string;
  readonly fits: (target: Target) => boolean;
  /** @param clean [n, D] */
  readonly run: (target: Target, clean: tf.Tensor2D, random: Random) => Found;
};

const always = (): boolean => true;

/**
 * The gating attacks (decision 19). Training ascends contrastive and anchoring losses by plain PGD; the margin and
 * impersonation are objectives, and APGD and Square step rules, that it never used.
 */
export const gatingAttacks: readonly Attack[] = [
  {
    name: "APGD-CE",
    fits: always,
    run: (target, clean, random) =>
      apgd(problem(target, clean, crossEntropy(target.scene)), target.budget.steps, random),
  },
  {
    name: "Displacement",
    fits: always,
    run: (target, clean, random) => {
      const { steps, restarts } = target.budget;
      // The steps are shared out over the restarts: a second start finds more than a longer path.
      const each = Math.ceil(steps / restarts);
      return pgd(problem(target, clean, displacement(target.scene)), each, random, restarts);
    },
  },
  {
    name: "Impersonation",
    fits: always,
    run: (target, clean, random) =>
      apgd(problem(target, clean, impersonation(target.scene)), target.budget.steps, random),
  },
  {
    name: "Square",
    fits: always,
    run: (target, clean, random) =>
      square(problem(target, clean, margin(target.scene)), target.shape, target.budget.queries, random),
  },
  {
    name: "Adaptive",
    fits: ({ squeezers }) => squeezers.length > 0,
    run: (target, clean, random) =>
      apgd(
        { clean, ball: target.ball, loss: throughSqueezers(target, margin(target.scene)) },
        // Each step goes through every squeezer.
        Math.ceil(target.budget.steps / (1 + target.squeezers.length)),
        random,
      ),
  },
];

/** Attacks that the masking checks compare the gating ones with. */
export const plainAttacks = {
  fgsm: (target: Target, clean: tf.Tensor2D): Found => fgsm(problem(target, clean, crossEntropy(target.scene))),
  pgd: (target: Target, clean: tf.Tensor2D, steps: number, random: Random): Found =>
    pgd(problem(target, clean, crossEntropy(target.scene)), steps, random),
} as const;

export function problem(target: Target, clean: tf.Tensor2D, objective: Objective): Problem {
  return { clean, ball: target.ball, loss: through(target, objective) };
}

function through({ embed, shape }: Pick<Target, "embed" | "shape">, objective: Objective): Loss {
  return (inputs) => objective(embed(tf.reshape(inputs, [inputs.shape[0], ...shape])));
}

/**
 * An attacker who knows the consistency probe: the input shall be taken for another one, and so shall each of its
 * squeezed copies, so that the copies' vectors stay with the input's and nothing is flagged.
 */
export function throughSqueezers(target: Target, objective: Objective): Loss {
  const plain = through(target, objective);
  const squeezed = target.squeezers.map((squeezer) => squeezeTensor(squeezer, target.shape));
  return (inputs) =>
    tf.mul(tf.addN([plain(inputs), ...squeezed.map((squeeze) => plain(squeeze(inputs)))]), 1 / (1 + squeezed.length));
}
