import type { BackendName } from "../model/index.ts";
import type { Settings } from "./context.ts";
import { defaultResamples } from "./statistics/bootstrap.ts";

/** Steps of training's inner attack that the gating attacks must be five times of (decision 19). */
const stepsOverTraining = 5;

/**
 * How much is measured, by what computes.
 *
 * @param trainingSteps  most steps of an attack that training used
 */
export function defaultSettings(backend: BackendName, trainingSteps: number): Settings {
  const steps = Math.max(50, stepsOverTraining * trainingSteps);
  const slow = backend === "wasm" || backend === "cpu";
  return {
    documents: slow ? 3000 : 8000,
    queries: slow ? 1000 : 2000,
    attacked: slow ? 300 : backend === "gpu" ? 1000 : 500,
    sampled: backend === "gpu" ? 100 : 64,
    budget: { steps, restarts: 2, queries: slow ? 100 : 150 },
    resamples: defaultResamples,
    draws: 2,
    attackLost: false,
  };
}
