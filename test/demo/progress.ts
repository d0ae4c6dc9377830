/** How far something is: 0 to 1, and in its own words. */
export type Progress = { readonly share: number; readonly doing: string };

/** @param log  what a training or an evaluation has printed; @returns null while it says nothing of its progress */
export function progressIn(log: string): Progress | null {
  for (const line of log.split("\n").toReversed()) {
    const steps = /step (\d+) of (\d+)\s+(.*)/.exec(line);
    if (steps) return { share: Number(steps[1]) / Number(steps[2]), doing: steps[3] ?? "" };
    const percent = /^evenkeel: (\d+)% (.*)/.exec(line);
    if (percent) return { share: Number(percent[1]) / 100, doing: percent[2] ?? "" };
  }
  return null;
}

const width = 20;

export function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `${"█".repeat(full)}${"░".repeat(width - full)} ${Math.round(100 * share)}%`;
}
