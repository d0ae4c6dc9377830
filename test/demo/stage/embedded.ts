import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Informer, pods } from "../../../src/kube/index.ts";
import { openStore } from "../../../src/registry/index.ts";
import { startControlPlane } from "../../harness/control-plane.ts";
import type { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { evenkeelImage } from "../../harness/node/images.ts";
import { startNodes } from "../../harness/node/nodes.ts";
import { annotatedPods, startPrometheus } from "../../harness/prometheus.ts";
import { waitFor } from "../../harness/wait.ts";
import { names } from "../manifests.ts";
import { applyAll, kubectl } from "./kubectl.ts";
import { prometheusAccess } from "./prometheus-objects.ts";
import type { Stage } from "./stage.ts";

const image = "evenkeel.local/evenkeel:demo";

/** A control plane of this machine's own, nodes that run pods as processes, and a Prometheus beside them. */
export async function embedded(dir: string): Promise<Stage> {
  const clusterDir = join(dir, "cluster");
  await mkdir(clusterDir, { recursive: true });
  const cluster = await startControlPlane({ dir: clusterDir });
  const nodes = await startNodes({
    cluster,
    nodes: [{ name: "node-a" }, { name: "node-b" }],
    images: { [image]: evenkeelImage() },
    certificate: cluster.certificate,
    dir: join(dir, "nodes"),
  });
  const admin = kubectl(cluster.servers.kubectl, cluster.adminKubeconfig);
  await applyAll(admin, prometheusAccess("default"));
  const prometheus = await startPrometheus({
    scrapeConfigs: [annotatedPods(await cluster.serviceAccountKubeconfig("default", "prometheus"))],
    scrapeInterval: "1s",
  });
  const volume = () => folderOfClaim(cluster.api, names.namespace, names.claim);
  const ending = new AbortController();
  let watching: Promise<void> = Promise.resolve();
  return {
    name: "embedded",
    image,
    trainerImage: image,
    admin,
    helm: cluster.servers.helm,
    prometheus: { url: prometheus.url, forPeople: prometheus.url },
    claim: {},
    fillStore: async (store) => cp(store, await volume(), { recursive: true, force: false }),
    artefact: async (uri) => openStore(await volume()).resolve(uri),
    storeOf: async () => openStore(await volume()),
    // Nothing routes by Service here, so clients go to the pods themselves.
    gateways: async (kube) => {
      const informer = new Informer({
        kube,
        resource: pods,
        namespaces: [names.namespace],
        labelSelector: `evenkeel.dev/gateway=${names.service}`,
      });
      watching = informer.run(ending.signal);
      await informer.whenSynced(ending.signal);
      return () =>
        [...informer.list()].flatMap(({ metadata, status }) => {
          const ready = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
          return ready && status?.podIP && !metadata.deletionTimestamp ? [`http://${status.podIP}:8080`] : [];
        });
    },
    stop: async () => {
      ending.abort();
      await watching;
      await prometheus.stop();
      await nodes.stop();
      await cluster.stop();
    },
  };
}

/** The volume that is bound to a claim, as a folder of this machine. */
async function folderOfClaim(api: KubernetesApi, namespace: string, claim: string): Promise<string> {
  const volume = await waitFor(`claim ${claim} to be bound`, async () => {
    const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`;
    const found = await api.get<{ spec: { volumeName?: string }; status?: { phase?: string } }>(path);
    return found.status?.phase === "Bound" && found.spec.volumeName;
  });
  const { spec } = await api.get<{ spec: { hostPath: { path: string } } }>(`/api/v1/persistentvolumes/${volume}`);
  return spec.hostPath.path;
}
