/**
 * McNemar's exact test: whether two models err on unlike rows equally often (McNemar 1947; two-sided binomial).
 *
 * @param gained  rows that only the candidate has right
 * @param lost    rows that only the other has right
 */
export function mcnemar(gained: number, lost: number): number {
  const n = gained + lost;
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(gained, lost); k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
