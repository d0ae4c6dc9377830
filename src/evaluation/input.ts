import type { EvaluationData, Gate, Perturbation, Target } from "../api/index.ts";
import type { Encoder } from "../model/index.ts";
import type { Dataset, ReferenceEmbeddings } from "../registry/index.ts";
import type { Settings } from "./context.ts";

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
  /** names of the sources that the candidate's reference was made of */
  readonly entered: readonly string[];
  /** share of the traffic that was set aside */
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
