/** Anything that answers requests one by one. */
export type Loaded = { readonly inFlight: number };

/**
 * Least requests: the one with the fewest in flight; among equals the first after `start`, so that an idle fleet shares.
 *
 * @param start   a counter that the caller raises
 * @param except  one that has just failed; it is taken only when there is no other
 */
export function leastRequests<Target extends Loaded>(
  targets: readonly Target[],
  start: number,
  except: Target | null = null,
): Target | null {
  let best: Target | null = null;
  for (let i = 0; i < targets.length; i++) {
    const target = targets[(start + i) % targets.length];
    if (target && target !== except && (best === null || target.inFlight < best.inFlight)) best = target;
  }
  return best ?? (except && targets.includes(except) ? except : null);
}
