import { embeddingServices, modelRollouts, modelVersions, retrainings } from "../kinds.ts";
import { Informer, type Kube } from "../kube/index.ts";
import { type Overview, overview } from "../overview/index.ts";

/** Least time between two pictures. */
const pauseMs = 200;

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

/** The same until `signal` is aborted. */
export async function follow(
  kube: Kube,
  namespace: string | undefined,
  draw: (views: readonly Overview[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const scope = { kube, namespaces: namespace === undefined ? undefined : [namespace] };
  const services = new Informer({ ...scope, resource: embeddingServices });
  const runs = new Informer({ ...scope, resource: retrainings });
  const versions = new Informer({ ...scope, resource: modelVersions });
  const rollouts = new Informer({ ...scope, resource: modelRollouts });
  const running = Promise.all([services, runs, versions, rollouts].map((informer) => informer.run(signal)));
  let timer: NodeJS.Timeout | undefined;
  const show = () => {
    timer = undefined;
    draw(
      overview({
        services: [...services.list()],
        retrainings: [...runs.list()],
        versions: [...versions.list()],
        rollouts: [...rollouts.list()],
      }),
    );
  };
  const changed = () => {
    timer ??= setTimeout(show, pauseMs);
  };
  try {
    await Promise.all([services, runs, versions, rollouts].map((informer) => informer.whenSynced(signal)));
    show();
    services.on(changed);
    runs.on(changed);
    versions.on(changed);
    rollouts.on(changed);
    await running;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}
