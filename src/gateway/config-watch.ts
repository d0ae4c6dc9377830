import { type GatewayConfig, gatewayConfig, gatewayConfigName } from "../api/index.ts";
import { type ConfigMap, configMaps, Informer, type Kube, type KubeError } from "../kube/index.ts";

export type ConfigWatchOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly service: string;
  /** Told of each configuration that is unlike the one before. */
  readonly onConfig: (config: GatewayConfig) => void;
  /** Told when there is none at the beginning. */
  readonly onAbsent: (why: string) => void;
  readonly onFault: (error: unknown) => void;
};

/**
 * Follows the one ConfigMap that the operator writes for this service, by name. The last configuration stays in force
 * while the API server is away, when the object is gone, and when a new one cannot be read (decision 32).
 */
export async function watchConfig(options: ConfigWatchOptions, signal: AbortSignal): Promise<void> {
  const { kube, namespace, service, onConfig, onAbsent, onFault } = options;
  const name = gatewayConfigName(service);
  let last = "";
  const informer = new Informer<ConfigMap>({
    kube,
    resource: configMaps,
    namespaces: [namespace],
    fieldSelector: `metadata.name=${name}`,
    onFault: (error: KubeError) => onFault(error),
  });
  informer.on((change) => {
    if (change.type === "Deleted") return;
    const text = change.object.data?.["gateway.json"] ?? "";
    if (text === last) return;
    const config = readConfig(text, onFault);
    if (!config) return;
    last = text;
    onConfig(config);
  });
  const listed = informer.whenSynced(signal).then(
    () => informer.size === 0 && onAbsent(`no ConfigMap ${name} in ${namespace}: is there such a service?`),
    // Only the signal ends this wait.
    () => {},
  );
  await Promise.all([informer.run(signal), listed]);
}

function readConfig(text: string, onFault: (error: unknown) => void): GatewayConfig | null {
  try {
    return gatewayConfig.parse(JSON.parse(text));
  } catch (error) {
    onFault(new Error("gateway.json cannot be read; the configuration before stays in force", { cause: error }));
    return null;
  }
}
