import type { Progress } from "./trainer.ts";

/** Shows how far training is: a line that moves on a terminal, a line a tenth of the way elsewhere. */
export function progressReporter(out: NodeJS.WriteStream): (progress: Progress) => void {
  const began = performance.now();
  let from = -1;
  let tenth = 0;
  return ({ step, steps, loss, last }) => {
    if (from < 0) from = step - 1;
    const share = step / steps;
    const elapsed = (performance.now() - began) / 1000;
    const left = ((steps - step) * elapsed) / Math.max(1, step - from);
    const measured =
      last.clean === null || last.robust === null
        ? ""
        : `  clean ${last.clean.toFixed(2)} robust ${last.robust.toFixed(2)} at ${Math.round(100 * last.scale)} % of the budget`;
    const line = `step ${step} of ${steps}  loss ${loss.toFixed(3)}${measured}  ${Math.round(left)} s left`;
    if (out.isTTY) {
      const full = Math.round(share * 20);
      out.write(`\r\u001b[2K${"█".repeat(full)}${"░".repeat(20 - full)} ${line}${step === steps ? "\n" : ""}`);
    } else if (Math.floor(share * 10) > tenth) {
      tenth = Math.floor(share * 10);
      out.write(`${line}\n`);
    }
  };
}
