/** How far something is: 0 to 1, and in its own words. */
export type Progress = { readonly share: number; readonly doing: string };

/** @param log  what a training or an evaluation has printed; @returns null while it says nothing of its progress */
export function progressIn(log: string): Progress | null {
  const [last] = [...log.matchAll(/^evenkeel: (\d+)% (.*)$/gm)].slice(-1);
  return last ? { share: Number(last[1]) / 100, doing: last[2] ?? "" } : null;
}
