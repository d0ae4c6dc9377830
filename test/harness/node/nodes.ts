import { randomInt } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { kubernetesVersion } from "../../../tools/servers.ts";
import { type Access, KubernetesApi } from "../kubernetes-api.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import type { ContainerRunner, RestartBackoff } from "./container-runner.ts";
import { provideFolderVolumes } from "./folder-volumes.ts";
import { type LogServer, type LogSource, startLogServer } from "./log-server.ts";
import { capacityOf, type NodeFacts, type NodeSpec, registerNode, renewLease, reportNode } from "./node.ts";
import { type Image, identityOf, type Pod } from "./pod.ts";
import { PodRunner } from "./pod-runner.ts";
import { bestIsolation, type ExecResult, type Isolation } from "./sandbox.ts";

export interface NodesOptions {
  /** Access that may do what a kubelet may: admin. */
  readonly cluster: Access;
  readonly nodes: readonly NodeSpec[];
  /** What the image references of pods mean here. Any other image is never pulled: ErrImagePull. */
  readonly images: Readonly<Record<string, Image>>;
  readonly isolation?: Isolation;
  /** With it `kubectl logs` works: PEM of a certificate and its key, such as those of `startControlPlane`. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Default: 1 s, doubled up to 30 s. */
  readonly backoff?: RestartBackoff;
  /** nice(1) value of a pod's processes. Default: 10 for pods of a Job, so that training leaves room for serving. */
  readonly niceness?: (pod: Pod) => number;
  /** Folder for logs and volumes, kept at the end. Default: a temporary one, removed at the end. */
  readonly dir?: string;
  /** Hears of what should not happen. Default: console.error. */
  readonly trouble?: (error: unknown) => void;
}

export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  /** Default: the pod's first container. */
  readonly container?: string;
}

export interface Nodes {
  readonly dir: string;
  readonly isolation: Isolation;
  /** What a container has printed, over all its starts; also after the pod is gone. */
  readonly logs: (of: ContainerName) => Promise<string>;
  /** Process id on this machine, null when it does not run. */
  readonly pid: (of: ContainerName) => number | null;
  readonly exec: (of: ContainerName, command: readonly string[]) => Promise<ExecResult>;
  /** Every container that runs now. */
  readonly running: () => readonly (Required<ContainerName> & { readonly pid: number })[];
  /** Ends every process, then removes the nodes. Nothing is reported to the API server about the pods. */
  readonly stop: () => Promise<void>;
}

/**
 * Runs the pods that the scheduler binds to these nodes, each container as a local process.
 *
 * The part of a kubelet that operators, gateways and Jobs can see: environment, volumes, ServiceAccount tokens, probes,
 * restarts, exit codes, termination messages, graceful end, eviction. Each pod has an address of 127.0.0.0/8 of its
 * own; nothing routes by Service. Linux only.
 */
export async function startNodes(options: NodesOptions): Promise<Nodes> {
  const agent = new NodeAgent(options, options.isolation ?? (await bestIsolation()), await folderOf(options));
  await agent.start();
  return agent;
}

async function folderOf({ dir }: NodesOptions): Promise<string> {
  return dir ?? temporaryFolder("nodes");
}

const heartbeatMs = 10_000;

class NodeAgent implements Nodes {
  readonly dir: string;
  readonly isolation: Isolation;
  readonly #options: NodesOptions;
  readonly #api: KubernetesApi;
  readonly #stopped = new AbortController();
  readonly #pods = new Map<string, PodRunner>();
  /** Runners by namespace/name, the newest last, kept for their logs. */
  readonly #history = new Map<string, PodRunner[]>();
  readonly #trouble: (error: unknown) => void;
  /** Second byte of every address: two agents on one machine seldom share it. */
  readonly #subnet = randomInt(16, 240);
  readonly #addresses = new Set<number>();
  #heart: NodeJS.Timeout | undefined;
  #logServer: LogServer | null = null;

  constructor(options: NodesOptions, isolation: Isolation, dir: string) {
    this.#options = options;
    this.isolation = isolation;
    this.dir = dir;
    this.#api = new KubernetesApi(options.cluster);
    this.#trouble = (error) => {
      if (this.#stopped.signal.aborted) return;
      if (options.trouble) options.trouble(error);
      else console.error("harness node:", error);
    };
  }

  async start(): Promise<void> {
    const { signal } = this.#stopped;
    if (this.#options.certificate) this.#logServer = await startLogServer(this.#logSource(), this.#options.certificate);
    await provideFolderVolumes(this.#api, this.dir, signal, this.#trouble);
    for (const node of this.#options.nodes) {
      await registerNode(this.#api, node, this.#facts);
      const pods = `/api/v1/pods?fieldSelector=spec.nodeName=${node.name}`;
      void this.#api.watch<Pod>(pods, signal, ({ type, object }) => this.#see(type, object, node), this.#trouble);
    }
    this.#heart = setInterval(() => void this.#beat().catch(this.#trouble), heartbeatMs);
  }

  async logs(of: ContainerName): Promise<string> {
    const runners = this.#history.get(`${of.namespace}/${of.pod}`) ?? [];
    const texts: string[] = [];
    for (const pod of runners) {
      const runner = containerOf(pod, of.container);
      for (let start = 0; start <= (runner?.view.restartCount ?? -1); start++) {
        if (runner) texts.push(await readFile(runner.logFile(start), "utf8").catch(() => ""));
      }
    }
    return texts.join("");
  }

  pid(of: ContainerName): number | null {
    return this.#find(of)?.pid ?? null;
  }

  async exec(of: ContainerName, command: readonly string[]): Promise<ExecResult> {
    const runner = this.#find(of);
    if (!runner) throw new Error(`no container ${JSON.stringify(of)}`);
    return runner.exec(command);
  }

  running() {
    return [...this.#pods.values()].flatMap(({ identity, containers }) =>
      containers.flatMap(({ container, pid }) =>
        pid === null ? [] : [{ namespace: identity.namespace, pod: identity.name, container: container.name, pid }],
      ),
    );
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    clearInterval(this.#heart);
    this.#stopped.abort(new Error("the nodes were stopped"));
    await Promise.all([...this.#pods.values()].map((pod) => pod.abandon()));
    for (const { name } of this.#options.nodes) await this.#api.delete(`/api/v1/nodes/${name}`).catch(() => undefined);
    await this.#logServer?.stop();
    await this.#api.close();
    if (!this.#options.dir) await rm(this.dir, { recursive: true, force: true });
  }

  #see(type: "ADDED" | "MODIFIED" | "DELETED", pod: Pod, node: NodeSpec): void {
    const { uid } = identityOf(pod);
    const runner = this.#pods.get(uid);
    // A pod that has ended may stay for a while, held by a finalizer: its runner stays as long, or it would run again.
    if (type === "DELETED") this.#forget(uid, runner);
    else if (runner) runner.update(pod);
    else this.#begin(pod, node);
  }

  #begin(pod: Pod, node: NodeSpec): void {
    const { namespace, name, uid } = identityOf(pod);
    // It ended under an earlier agent.
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return;
    const [podIP, address] = this.#takeAddress();
    const runner = new PodRunner(pod, {
      api: this.#api,
      isolation: this.isolation,
      backoff: this.#options.backoff ?? { initialMs: 1_000, maxMs: 30_000 },
      images: (reference) => this.#options.images[reference] ?? null,
      niceness: this.#options.niceness ?? niceWhenJob,
      allocatable: capacityOf(node),
      podIP,
      hostIP: "127.0.0.1",
      folder: join(this.dir, "pods", namespace, `${name}-${uid.slice(0, 8)}`),
      trouble: this.#trouble,
    });
    this.#pods.set(uid, runner);
    const key = `${namespace}/${name}`;
    this.#history.set(key, [...(this.#history.get(key) ?? []), runner]);
    void runner.over.then(() => this.#addresses.delete(address));
    if (pod.metadata?.deletionTimestamp) runner.update(pod);
    else void runner.run().catch(this.#trouble);
  }

  #forget(uid: string, runner: PodRunner | undefined): void {
    void runner?.abandon().finally(() => this.#pods.delete(uid));
  }

  #takeAddress(): [string, number] {
    let address = 1;
    while (this.#addresses.has(address)) address += 1;
    this.#addresses.add(address);
    return [`127.${this.#subnet}.${Math.floor(address / 250)}.${(address % 250) + 1}`, address];
  }

  get #facts(): NodeFacts {
    return { version: kubernetesVersion, ip: "127.0.0.1", kubeletPort: this.#logServer?.port ?? null };
  }

  #logSource(): LogSource {
    const newest = ({ namespace, pod, container }: Required<ContainerName>) => {
      const runner = this.#history.get(`${namespace}/${pod}`)?.at(-1);
      return runner && containerOf(runner, container);
    };
    return {
      file: (of, previous) => {
        const runner = newest(of);
        const start = (runner?.view.restartCount ?? 0) - (previous ? 1 : 0);
        return runner && start >= 0 ? runner.logFile(start) : null;
      },
      running: (of) => typeof newest(of)?.pid === "number",
    };
  }

  #find({ namespace, pod, container }: ContainerName): ContainerRunner | undefined {
    const runner = [...this.#pods.values()].find(
      ({ identity }) => identity.namespace === namespace && identity.name === pod,
    );
    return runner && containerOf(runner, container);
  }

  async #beat(): Promise<void> {
    for (const node of this.#options.nodes) {
      await renewLease(this.#api, node.name);
      await reportNode(this.#api, node, this.#facts);
    }
  }
}

function containerOf(pod: PodRunner, name: string | undefined): ContainerRunner | undefined {
  if (name !== undefined) return pod.containers.find(({ container }) => container.name === name);
  return pod.main[0];
}

function niceWhenJob(pod: Pod): number {
  return pod.metadata?.ownerReferences?.some(({ kind }) => kind === "Job") ? 10 : 0;
}
