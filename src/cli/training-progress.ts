import type { Progress } from "../training/index.ts";
import { progressBar, type ShowProgress } from "./progress-bar.ts";

/** Milliseconds of steps that an estimate is made from, at least. */
const worthAnEstimate = 3_000;

/** Shows how far training is, what it measured last, and how long it still takes, once that can be told. */
export function trainingProgress(
  show: ShowProgress = progressBar(),
  now: () => number = () => performance.now(),
): (progress: Progress) => void {
  // The pace is that of the steps after the first one, which waits for data, compiles and, resumed, comes late.
  let first: { readonly step: number; readonly at: number } | null = null;
  return ({ step, steps, loss, last: { clean, robust, scale } }) => {
    first ??= { step, at: now() };
    const took = now() - first.at;
    const left = ((steps - step) * took) / 1000 / (step - first.step);
    const estimate = took < worthAnEstimate ? "" : `  ${Math.round(left)} s left`;
    const measured =
      clean === null || robust === null
        ? ""
        : `  clean ${clean.toFixed(2)} robust ${robust.toFixed(2)} at ${Math.round(100 * scale)} % of the budget`;
    show(`step ${step} of ${steps}  loss ${loss.toFixed(3)}${measured}${estimate}`, step / steps);
  };
}
