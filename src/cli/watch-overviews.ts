import type { Kube } from "../kube/index.ts";
import { follow, type Overview } from "../overview/index.ts";

/**
 * Gives the services anew with every change, until SIGINT or SIGTERM.
 *
 * @param namespace  all when absent
 */
export async function watchOverviews(
  kube: Kube,
  namespace: string | undefined,
  draw: (views: readonly Overview[]) => void,
): Promise<void> {
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    await follow(kube, namespace, draw, stop.signal);
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}
