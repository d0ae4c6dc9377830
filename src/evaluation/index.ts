export { attackStepsOf } from "./attack-steps.ts";
export { type CraftOptions, craftAttacks } from "./attacks/index.ts";
export { type Evaluation, evaluate } from "./evaluate.ts";
export type { EvaluationInput } from "./input.ts";
export { type EvaluationReport, reportFiles } from "./report/index.ts";
export { failureOf, model, type Outcome, type RunHooks, runEvaluation } from "./run-evaluation.ts";
export { defaultSettings } from "./settings.ts";
