export { type FirstModelOptions, trainFirstModel } from "./base.ts";
export { type FirstModelArchitecture, firstModelArchitectures } from "./first-model-config.ts";
export {
  type BenignFamily,
  type InputSpace,
  UnfitPerturbation,
} from "./perturbations/index.ts";
export { type Outcome, runTraining } from "./run-training.ts";
export { Interrupted, type Progress } from "./trainer.ts";
