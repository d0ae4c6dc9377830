import { milliseconds } from "../api/values.ts";
import { Informer, type Kube, type KubeObject, keyOf, type Resource } from "../kube/index.ts";
import { CommandError } from "./command-error.ts";

/**
 * Follows one object until it has ended.
 *
 * @param ended    whether it has
 * @param timeout  such as 30m
 * @throws {CommandError} timedOut
 */
export async function waitFor<T extends KubeObject>(
  kube: Kube,
  resource: Resource<T>,
  object: T,
  ended: (object: T) => boolean,
  timeout: string,
): Promise<T> {
  const { name, namespace = "" } = keyOf(object);
  const stop = new AbortController();
  const informer = new Informer({
    kube,
    resource,
    namespaces: [namespace],
    fieldSelector: `metadata.name=${name}`,
  });
  const running = informer.run(stop.signal);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new CommandError(
              "timedOut",
              `${name} has not ended within ${timeout}: it goes on; see \`evenkeel status\``,
            ),
          ),
        milliseconds(timeout),
      );
      informer.on((change) => {
        if (change.type === "Deleted") reject(new CommandError("notFound", `${name} was deleted`));
        else if (ended(change.object)) resolve(change.object);
      });
      running.catch(reject);
    });
  } finally {
    clearTimeout(timer);
    stop.abort();
    await running;
  }
}
