import { embeddingServices, modelRollouts, modelVersions, retrainings } from "../kinds.ts";
import { Informer, type Kube } from "../kube/index.ts";
import { type Overview, overview } from "./overview.ts";

/** Least time between two tellings: a burst of changes is told once. */
const pauseMs = 200;

/**
 * Tells the services once everything is listed, and anew with every change, until `signal` is aborted.
 *
 * @param namespace  all when absent
 * @param onFault  told of every fault of a watch; the watch goes on
 */
export async function follow(
  kube: Kube,
  namespace: string | undefined,
  tell: (views: readonly Overview[]) => void,
  signal: AbortSignal,
  onFault: () => void = () => {},
): Promise<void> {
  const scope = { kube, namespaces: namespace === undefined ? undefined : [namespace], onFault };
  const services = new Informer({ ...scope, resource: embeddingServices });
  const runs = new Informer({ ...scope, resource: retrainings });
  const versions = new Informer({ ...scope, resource: modelVersions });
  const rollouts = new Informer({ ...scope, resource: modelRollouts });
  const running = Promise.all([services, runs, versions, rollouts].map((informer) => informer.run(signal)));
  let timer: NodeJS.Timeout | undefined;
  const show = () => {
    timer = undefined;
    tell(
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
