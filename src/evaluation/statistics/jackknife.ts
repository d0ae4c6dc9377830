import { studentQuantile, studentTail } from "./student.ts";

/** Groups that are left out in turn. */
export const jackknifeGroups = 20;

/**
 * Test and lower bound of a statistic that is no mean, by the delete-a-group jackknife (Kott 2001): it is computed anew
 * with each group of sources left out, and the spread of these gives its standard error with groups − 1 degrees of
 * freedom.
 *
 * @param whole      the statistic on everything
 * @param without    the statistic with each group left out
 * @param threshold  null: the statistic is at most this
 */
export function jackknifeTest(
  whole: number,
  without: readonly number[],
  threshold: number,
  alpha: number,
): { bound: number; p: number; variance: number } {
  const groups = without.length;
  const variance = ((groups - 1) / groups) * without.reduce((sum, value) => sum + (value - whole) ** 2, 0);
  const error = Math.sqrt(variance);
  const p = error > 0 ? studentTail((whole - threshold) / error, groups - 1) : whole > threshold ? 0 : 1;
  return { bound: whole - studentQuantile(alpha, groups - 1) * error, p, variance };
}

/** The group of each source, balanced: sources are numbered as they first come. */
export function jackknifeGroup(sources: ArrayLike<number>, groups = jackknifeGroups): Uint8Array {
  const numbers = new Map<number, number>();
  return Uint8Array.from(sources, (source) => {
    const number = numbers.get(source) ?? numbers.size;
    numbers.set(source, number);
    return number % groups;
  });
}
