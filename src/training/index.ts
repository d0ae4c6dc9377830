export { type FirstModelOptions, trainFirstModel } from "./base.ts";
export {
  adversarialFamilies,
  type BenignFamily,
  benignFamilies,
  composeBenign,
  type InputSpace,
} from "./perturbations/index.ts";
export { progressReporter } from "./progress.ts";
export { type Outcome, runTraining } from "./run-training.ts";
export { Interrupted } from "./trainer.ts";
