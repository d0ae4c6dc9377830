export { type FirstModelOptions, trainFirstModel } from "./base.ts";
export {
  type BenignFamily,
  type InputSpace,
} from "./perturbations/index.ts";
export { progressReporter } from "./progress.ts";
export { type Outcome, runTraining } from "./run-training.ts";
export { Interrupted } from "./trainer.ts";
