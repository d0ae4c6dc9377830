import { regularisedBeta } from "../../monitor/distributions.ts";

/** Upper tail P(T > t) of Student's t distribution with `degrees` degrees of freedom. */
export function studentTail(t: number, degrees: number): number {
  const outside = 0.5 * regularisedBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
  return t >= 0 ? outside : 1 - outside;
}

/** The t that `tail` of the distribution lies above. @param tail in (0, 1) */
export function studentQuantile(tail: number, degrees: number): number {
  let low = -1e6;
  let high = 1e6;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
