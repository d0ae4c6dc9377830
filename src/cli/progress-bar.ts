import { bar } from "./bar.ts";

export type ShowProgress = (doing: string, share: number) => void;

const quietMs = 1_000;

/** A bar that moves on a terminal, elsewhere a line for a tenth, a second apart, and one for the end; on standard error. */
export function progressBar(
  out: Pick<NodeJS.WriteStream, "isTTY" | "write"> = process.stderr,
  now: () => number = () => performance.now(),
): ShowProgress {
  let told = -1;
  let toldAt = now();
  return (doing, share) => {
    if (out.isTTY) {
      const percent = (100 * share).toFixed(0).padStart(3);
      out.write(`\r\u001b[2K${bar(share, 24)} ${percent}% ${doing}${share >= 1 ? "\n" : ""}`);
      return;
    }
    const tenth = Math.floor(share * 10 + 1e-9);
    if (tenth <= told || (share < 1 && now() - toldAt < quietMs)) return;
    told = tenth;
    toldAt = now();
    out.write(`evenkeel: ${tenth * 10}% ${doing}\n`);
  };
}
