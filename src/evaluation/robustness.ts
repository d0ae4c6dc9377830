import type { Perturbation } from "../api/index.ts";
import { squeezersOf } from "../monitor/index.ts";
import { type Ball, ballOf, embedFlat, epsilonCurve, maskingChecks, type Setting, worstCase } from "./attacks/index.ts";
import type { Robustness, Settings } from "./context.ts";
import { type EvaluationSet, firstRows, type Part } from "./evaluation-set.ts";
import { type Model, type Models, servedIndex, victimOf } from "./model.ts";
import type { EvaluationReport } from "./report/schema.ts";

export type RobustnessInput = {
  readonly set: EvaluationSet;
  readonly models: Models;
  readonly perturbations: readonly Perturbation[];
  readonly attacked: Part;
  readonly deviations: Float32Array;
  readonly settings: Settings;
  readonly seed: number;
};

/** An adversarial family of the threat model with its ball. */
type Family = { readonly perturbation: Perturbation; readonly ball: Ball };

export function adversarialFamilies({ perturbations, set, deviations }: RobustnessInput): Family[] {
  const bounded = set.dataset.modality === "Image";
  return perturbations.flatMap((perturbation) => {
    const ball = ballOf(perturbation, bounded, deviations);
    return ball ? [{ perturbation, ball }] : [];
  });
}

/** Attacks each model with every adversarial family, anew for each (decision 19). */
export function measureRobustness(input: RobustnessInput, onProgress: (share: number) => void): Robustness[] {
  const { models, attacked } = input;
  const families = adversarialFamilies(input);
  return families.map(({ perturbation, ball }, done) => {
    const attack = (model: Model, from: number, to: number) =>
      worstCase(victimFor(model, input, attacked), attacked, {
        ...settingOf(ball, input),
        onProgress: (share) => onProgress((done + from + share * (to - from)) / families.length),
      });
    const separate = models.baseline !== models.active;
    const candidate = attack(models.candidate, 0, separate ? 0.5 : 0.65);
    const active = attack(models.active, separate ? 0.5 : 0.65, separate ? 0.75 : 1);
    const baseline = separate ? attack(models.baseline, 0.75, 1) : active;
    return { perturbation, candidate, active, baseline };
  });
}

/** Curves, masking checks and transfer, for the report. */
export function describeRobustness(
  input: RobustnessInput,
  robustness: readonly Robustness[],
  onProgress: (share: number) => void,
): EvaluationReport["attacks"] {
  const { models, settings, set } = input;
  const sample = firstRows(input.attacked, set.size, settings.sampled);
  return adversarialFamilies(input).map(({ perturbation, ball }, done, families) => {
    const found = robustness.find((each) => each.perturbation === perturbation);
    const at = (share: number): void => onProgress((done + share) / families.length);
    const curve = (model: Model, from: number) =>
      epsilonCurve(victimFor(model, input, sample), sample, {
        ...settingOf(ball, input),
        onProgress: (share) => at(from + share * 0.25),
      });
    const candidate = victimFor(models.candidate, input, sample);
    const crafted = found?.active.adversarial.subarray(0, sample.inputs.length) ?? sample.inputs;
    const curves = { candidate: curve(models.candidate, 0), active: curve(models.active, 0.25) };
    const checks = maskingChecks(candidate, sample, settingOf(ball, input), crafted);
    at(1);
    const all = victimFor(models.candidate, input, input.attacked);
    const transferred = found ? embedFlat(all, found.active.adversarial) : new Float32Array();
    const rows = Array.from({ length: found ? input.attacked.count : 0 }, (_, i) => i);
    return {
      perturbation: perturbation.name,
      family: perturbation.family,
      epsilon: ball.epsilon,
      steps: settings.budget.steps,
      candidate: [...(found?.candidate.after ?? [])],
      active: [...(found?.active.after ?? [])],
      curve: curves,
      masking: checks,
      transfer: all.isRight(transferred, rows).filter(Boolean).length / Math.max(1, rows.length),
    };
  });
}

function victimFor(model: Model, { models, set }: RobustnessInput, part: Part) {
  return victimOf(model, servedIndex(model, models), set, part.labels);
}

/** The request does not say which squeezers the service uses: the adaptive attack goes through all that it may. */
function settingOf(ball: Ball, { settings, seed, set }: RobustnessInput): Setting {
  return { ball, budget: settings.budget, squeezers: squeezersOf(set.dataset.modality), seed };
}
