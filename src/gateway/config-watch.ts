import { type GatewayConfig, gatewayConfig, gatewayConfigName } from "../api/index.ts";
import { type ConfigMap, configMaps, Informer, type Kube, type KubeError } from "../kube/index.ts";

export type ConfigWatchOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly service: string;
  /** Told of each configuration that is unlike the one before. */
  readonly onConfig: (config: GatewayConfig) => void;
  readonly onFault: (error: unknown) => void;
};

/**
 * Follows the one ConfigMap that the operator writes for this service, by name. The last configuration stays in force
 * while the API server is away, when the object is gone, and when a new one cannot be read (decision 32).
 */
export async function watchConfig(options: ConfigWatchOptions, signal: AbortSignal): Promise<void> {
  const { kube, namespace, service, onConfig, onFault } = options;
  let last = "";
  const informer = new Informer<ConfigMap>({
    kube,
    resource: configMaps,
    namespaces: [namespace],
    fieldSelector: `metadata.name=${gatewayConfigName(service)}`,
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
  await informer.run(signal);
}

function readConfig(text: string, onFault: (error: unknown) => void): GatewayConfig | null {
  try {
    return gatewayConfig.parse(JSON.parse(text));
  } catch (error) {
    onFault(new Error("gateway.json cannot be read; the configuration before stays in force", { cause: error }));
    return null;
  }
}
