import type { Progress } from "../training/index.ts";
import { progressBar, type ShowProgress } from "./progress-bar.ts";

/** Shows how far training is, what it measured last, and how long it still takes. */
export function trainingProgress(show: ShowProgress = progressBar()): (progress: Progress) => void {
  const began = performance.now();
  // A resumed training begins later: its pace is that of its own steps.
  let from: number | null = null;
  return ({ step, steps, loss, last: { clean, robust, scale } }) => {
    from ??= step - 1;
    const left = ((steps - step) * (performance.now() - began)) / 1000 / Math.max(1, step - from);
    const measured =
      clean === null || robust === null
        ? ""
        : `  clean ${clean.toFixed(2)} robust ${robust.toFixed(2)} at ${Math.round(100 * scale)} % of the budget`;
    show(`step ${step} of ${steps}  loss ${loss.toFixed(3)}${measured}  ${Math.round(left)} s left`, step / steps);
  };
}
