import { randomPoint, resize } from "./ball.ts";
import type { Found } from "./gradient.ts";
import { type Attack, gatingAttacks, plainAttacks } from "./suite.ts";
import { embedFlat, type Queries, type Setting, type Victim, worstCase } from "./worst-case.ts";

/** A sign of gradient masking that was looked for: accuracy left by a weaker and by a stronger attack. */
export type MaskingCheck = {
  readonly name: string;
  /** what should hold, for people */
  readonly expectation: string;
  readonly weaker: number;
  readonly stronger: number;
  readonly verdict: "Pass" | "Suspect";
};

/** Differences in accuracy below this are chance. */
const tolerance = 0.02;

/**
 * Whether the model is robust or only hard to search (Carlini et al. 2019, section 5; AutoAttack's own flags): an
 * attack that should be stronger must be, and a ball that holds everything must break everything.
 *
 * @param transferred  inputs crafted against another model for the same rows, [n × D]
 */
export function maskingChecks(
  victim: Victim,
  queries: Queries,
  setting: Setting,
  transferred: Float32Array,
): MaskingCheck[] {
  const gradients = accuracyOf(victim, queries, setting, attackNamed("APGD-CE"));
  const twice = accuracyOf(
    victim,
    queries,
    { ...setting, budget: { ...setting.budget, steps: 2 * setting.budget.steps } },
    attackNamed("APGD-CE"),
  );
  const everywhere = { ...setting, ball: resize(setting.ball, setting.ball.bounded ? 1 / setting.ball.epsilon : 20) };
  const classes = victim.prototypes.length / victim.dimension;
  const single = accuracyOf(victim, queries, setting, wrap("FGSM", plainAttacks.fgsm));
  const noise = accuracyOf(
    victim,
    queries,
    setting,
    wrap("Noise", (target, clean, random) => ({
      inputs: randomPoint(clean, target.ball, random),
      losses: new Float32Array(clean.shape[0]),
    })),
  );
  const black = accuracyOf(victim, queries, setting, attackNamed("Square"));
  const total = accuracyOf(victim, queries, everywhere, attackNamed("APGD-CE"));
  const transfer = share(
    victim.isRight(
      embedFlat(victim, transferred),
      Array.from(queries.labels, (_, i) => i),
    ),
  );
  return [
    check("converged", "twice the steps find nothing new", twice, gradients),
    check("iterations", "many steps find at least what one step does", single, gradients),
    check("noise", "the search finds at least what noise does", noise, gradients),
    check("transfer", "attacks on another model are no stronger", transfer, gradients),
    check("black box", "an attack without gradients is no stronger", black, gradients),
    {
      name: "whole range",
      expectation: "a ball that holds everything leaves no more than chance",
      weaker: 1 / classes,
      stronger: total,
      verdict: total <= 1 / classes + tolerance ? "Pass" : "Suspect",
    },
  ];
}

/** The stronger attack must not leave more than the weaker one. */
function check(name: string, expectation: string, weaker: number, stronger: number): MaskingCheck {
  return { name, expectation, weaker, stronger, verdict: stronger <= weaker + tolerance ? "Pass" : "Suspect" };
}

function attackNamed(name: string): Attack[] {
  return gatingAttacks.filter((attack) => attack.name === name);
}

function wrap(name: string, run: (...given: Parameters<Attack["run"]>) => Found): Attack[] {
  return [{ name, fits: () => true, run }];
}

function accuracyOf(victim: Victim, queries: Queries, setting: Setting, attacks: readonly Attack[]): number {
  const { onProgress: _, ...silent } = setting;
  return share(Array.from(worstCase(victim, queries, { ...silent, attacks }).right, (value) => value === 1));
}

function share(values: readonly boolean[]): number {
  return values.filter(Boolean).length / values.length;
}
