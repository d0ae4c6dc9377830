import { bar } from "./bar.ts";

export type ShowProgress = (doing: string, share: number) => void;

/** A bar that moves on a terminal, a line for every tenth elsewhere; on standard error. */
export function progressBar(out: Pick<NodeJS.WriteStream, "isTTY" | "write"> = process.stderr): ShowProgress {
  let told = -1;
  return (doing, share) => {
    if (out.isTTY) {
      const percent = (100 * share).toFixed(0).padStart(3);
      out.write(`\r\u001b[2K${bar(share, 24)} ${percent}% ${doing}${share >= 1 ? "\n" : ""}`);
      return;
    }
    const tenth = Math.floor(share * 10 + 1e-9);
    if (tenth <= told) return;
    told = tenth;
    out.write(`evenkeel: ${tenth * 10}% ${doing}\n`);
  };
}
