/**
 * p-values adjusted for the number of claims, so that the chance of even one false claim stays below alpha
 * (Holm 1979): sorted ascending, p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1) · p₍ⱼ₎).
 *
 * @param pValues  in [0, 1], in any order
 * @returns adjusted p-values in the order given: a claim holds where its value is at most alpha
 */
export function holmAdjust(pValues: readonly number[]): number[] {
  const adjusted = pValues.map(() => 1);
  let running = 0;
  pValues
    .map((p, index) => ({ p, index }))
    .sort((a, b) => a.p - b.p)
    .forEach(({ p, index }, rank) => {
      running = Math.max(running, Math.min(1, (pValues.length - rank) * p));
      adjusted[index] = running;
    });
  return adjusted;
}
