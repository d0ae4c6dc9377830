import { execFile } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ControlPlane, startControlPlane } from "../harness/control-plane.ts";
import type { KubernetesApi } from "../harness/kubernetes-api.ts";
import { type Nodes, startNodes } from "../harness/node/nodes.ts";
import { annotatedPods, type Prometheus, startPrometheus } from "../harness/prometheus.ts";
import { waitFor } from "../harness/wait.ts";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "..", "..");

/** Where the demo plays. */
export interface Stage {
  readonly name: string;
  /** image of operator and gateway, and of trainer and servers */
  readonly image: string;
  readonly adminKubeconfig: string;
  /** Prometheus as pods reach it, and as people do */
  readonly prometheus: { readonly url: string; readonly forPeople: string };
  readonly helm: string;
  /** As the cluster's admin. */
  readonly api: KubernetesApi;
  /** Puts a prepared store's artefacts into the volume of a claim. @returns the volume as a folder of this machine */
  readonly fillStore: (namespace: string, claim: string, store: string) => Promise<string>;
  /** Logs of every pod of a namespace, for the case that something went wrong. */
  readonly logs: (namespace: string, pod: string) => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** A control plane of this machine's own, with a Prometheus beside it. */
export async function embedded(dir: string): Promise<Stage> {
  const image = "evenkeel.local/evenkeel:demo";
  const clusterDir = join(dir, "cluster");
  await mkdir(clusterDir, { recursive: true });
  const cluster = await startControlPlane({ dir: clusterDir });
  const nodes = await startNodes({
    cluster,
    nodes: [{ name: "node-a" }, { name: "node-b" }],
    images: { [image]: { entrypoint: [process.execPath, join(repository, "src/main.ts")], folders: [repository] } },
    dir: join(dir, "nodes"),
  });
  const prometheus = await startPrometheus({
    scrapeConfigs: [annotatedPods(cluster.adminKubeconfig)],
    scrapeInterval: "1s",
  });
  return stage(image, cluster, nodes, prometheus);
}

function stage(image: string, cluster: ControlPlane, nodes: Nodes, prometheus: Prometheus): Stage {
  const storeFolder = async (namespace: string, claim: string): Promise<string> => {
    const volume = await waitFor(`claim ${claim} to be bound`, async () => {
      const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`;
      const found = await cluster.api.get<{ spec: { volumeName?: string }; status?: { phase?: string } }>(path);
      return found.status?.phase === "Bound" && found.spec.volumeName;
    });
    const { spec } = await cluster.api.get<{ spec: { hostPath: { path: string } } }>(
      `/api/v1/persistentvolumes/${volume}`,
    );
    return spec.hostPath.path;
  };
  return {
    name: "embedded",
    image,
    adminKubeconfig: cluster.adminKubeconfig,
    prometheus: { url: prometheus.url, forPeople: prometheus.url },
    helm: cluster.servers.helm,
    api: cluster.api,
    fillStore: async (namespace, claim, store) => {
      const folder = await storeFolder(namespace, claim);
      await cp(store, folder, { recursive: true, force: false });
      return folder;
    },
    logs: (namespace, pod) => nodes.logs({ namespace, pod }),
    stop: async () => {
      await prometheus.stop();
      await nodes.stop();
      await cluster.stop();
    },
  };
}

/** Installs the chart as a user would. Only this step is done as the cluster's admin: CRDs and ClusterRoles need it. */
export async function installChart(stage: Stage, namespace: string, dir: string): Promise<void> {
  const values = join(dir, "values.json");
  const [repositoryName = "", tag = ""] = stage.image.split(/:(?=[^:/]+$)/);
  await writeFile(
    values,
    JSON.stringify({
      image: { repository: repositoryName, tag },
      trainerImage: { repository: repositoryName, tag },
      prometheus: { allow: [stage.prometheus.url] },
    }),
  );
  await run(stage.helm, [
    "install",
    "evenkeel",
    join(repository, "charts/evenkeel"),
    `--kubeconfig=${stage.adminKubeconfig}`,
    `--namespace=${namespace}`,
    "--create-namespace",
    `--values=${values}`,
    "--wait",
    "--timeout=90s",
  ]);
}
