import { existsSync, mkdirSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeKubeconfig } from "../kubeconfig.ts";
import { ApiError, type KubernetesApi } from "../kubernetes-api.ts";
import { ContainerRunner, type RestartBackoff, timestamp } from "./container-runner.ts";
import { commandOf, environmentOf } from "./environment.ts";
import { type Container, type Image, identityOf, NotYet, type Pod, type PodIdentity, pathOf } from "./pod.ts";
import { quantity } from "./quantity.ts";
import type { Isolation, Launch, Mount } from "./sandbox.ts";
import { statusOf } from "./status.ts";
import { makeVolumes, type VolumeSources } from "./volumes.ts";

/** What a node gives to each of its pods. */
export interface PodContext {
  readonly api: KubernetesApi;
  readonly isolation: Isolation;
  readonly backoff: RestartBackoff;
  readonly images: (reference: string) => Image | null;
  readonly niceness: (pod: Pod) => number;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly podIP: string;
  readonly hostIP: string;
  readonly folder: string;
  /** Hears of what should not happen, such as a status that the API server refuses. */
  readonly trouble: (error: unknown) => void;
}

/** Runs one pod from its binding to a node until it is deleted. */
export class PodRunner {
  readonly identity: PodIdentity;
  /** Resolves when the pod is gone from this node. */
  readonly over: Promise<void>;
  readonly #context: PodContext;
  readonly #init: readonly ContainerRunner[];
  readonly #main: readonly ContainerRunner[];
  readonly #startTime = timestamp();
  readonly #abandoned = new AbortController();
  #pod: Pod;
  #volumes: VolumeSources | null = null;
  #running: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #failure: { reason: string; message: string } | null = null;
  #conditions: NonNullable<ReturnType<typeof statusOf>["conditions"]> = [];
  #unsaved = false;
  #saving: Promise<void> | null = null;
  readonly #leave: () => void;

  constructor(pod: Pod, context: PodContext) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#leave = resolve;
    this.identity = identityOf(pod);
    this.#pod = pod;
    this.#context = context;
    const policy = pod.spec?.restartPolicy ?? "Always";
    const restart = policy === "Never" || policy === "OnFailure" ? policy : "Always";
    // An init container has done its work when it succeeds, whatever the policy says.
    const initRestart = restart === "Never" ? "Never" : "OnFailure";
    this.#init = (pod.spec?.initContainers ?? []).map((container) => this.#runner(container, initRestart));
    this.#main = (pod.spec?.containers ?? []).map((container) => this.#runner(container, restart));
  }

  get main(): readonly ContainerRunner[] {
    return this.#main;
  }

  /** Init containers first. */
  get containers(): readonly ContainerRunner[] {
    return [...this.#init, ...this.#main];
  }

  run(): Promise<void> {
    this.#running = this.#work();
    return this.#running;
  }

  async #work(): Promise<void> {
    this.#changed();
    const deadline = this.#pod.spec?.activeDeadlineSeconds;
    const alarm = deadline === undefined ? undefined : setTimeout(() => this.#exceedDeadline(), deadline * 1000);
    try {
      await this.#prepare();
      for (const runner of this.#init) {
        if (this.#ending) return;
        await runner.run();
        if (runner.view.state.terminated?.exitCode !== 0) return;
      }
      if (this.#ending) return;
      await Promise.all(this.#main.map((runner) => runner.run()));
    } finally {
      clearTimeout(alarm);
      this.#changed();
    }
  }

  /** Takes note of a newer version of the pod; a deletion timestamp ends it. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata?.deletionTimestamp) this.#stopping ??= this.#end(pod.metadata.deletionGracePeriodSeconds ?? 30);
    else if (pod.spec?.readinessGates) this.#changed();
  }

  /** The pod was deleted from the API server by force, or the node ends: nothing is reported any more. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    for (const runner of this.containers) runner.kill();
    await Promise.allSettled([this.#running, this.#saving]);
    this.#leave();
  }

  get #ending(): boolean {
    return this.#stopping !== null || this.#failure !== null || this.#abandoned.signal.aborted;
  }

  #runner(container: Container, restart: "Always" | "OnFailure" | "Never"): ContainerRunner {
    const { isolation, backoff, podIP, folder } = this.#context;
    return new ContainerRunner(container, {
      pod: this.#pod,
      podIP,
      isolation,
      backoff,
      restart,
      folder: join(folder, container.name),
      plan: () => this.#plan(container),
      changed: () => this.#changed(),
    });
  }

  /** Makes the volumes, as often as it takes. */
  async #prepare(): Promise<void> {
    const { folder } = this.#context;
    await mkdir(folder, { recursive: true });
    while (!this.#ending) {
      try {
        this.#volumes = await makeVolumes(this.#pod, { ...this.#context, folder: join(folder, "volumes") });
        this.#changed();
        return;
      } catch (error) {
        if (!(error instanceof NotYet || error instanceof ApiError)) throw error;
      }
      await sleep(300);
    }
  }

  async #plan(container: Container): Promise<Omit<Launch, "scratch" | "log">> {
    const { api, images, allocatable, podIP, hostIP, niceness } = this.#context;
    const image = images(container.image ?? "");
    if (!image) throw new NotYet("ErrImagePull", `the harness has no image ${container.image}`);
    const { namespace } = this.identity;
    const read = async (kind: "configmaps" | "secrets", name: string) =>
      api.find<{ data?: Record<string, string> }>(`/api/v1/namespaces/${namespace}/${kind}/${name}`);
    const declared = await environmentOf(this.#pod, container, image, {
      podIP,
      hostIP,
      allocatable,
      configMap: async (name) => {
        const found = await read("configmaps", name);
        return found && (found.data ?? {});
      },
      secret: async (name) => {
        const found = await read("secrets", name);
        const entries = Object.entries(found?.data ?? {});
        return (
          found && Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]))
        );
      },
    });
    const mounts = this.#mounts(container, image);
    const env = { ...this.#surroundings(container), ...(await this.#account(mounts)), ...declared };
    return {
      env,
      command: commandOf(container, image, env),
      workingDir: container.workingDir ?? image.workingDir ?? "/",
      mounts,
      readOnlyRoot: container.securityContext?.readOnlyRootFilesystem ?? false,
      niceness: niceness(this.#pod),
    };
  }

  /** What a container finds in its environment without asking. */
  #surroundings(container: Container): Record<string, string> {
    const { hostname, port } = new URL(this.#context.api.access.url);
    const cpus = container.resources?.limits?.cpu ?? container.resources?.requests?.cpu;
    const threads = cpus && String(Math.max(1, Math.ceil(quantity(cpus))));
    return {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: "/",
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      // No cgroup holds a process to its share here, so numeric libraries are asked to keep to it.
      ...(threads && { OMP_NUM_THREADS: threads, TF_NUM_INTRAOP_THREADS: threads, TF_NUM_INTEROP_THREADS: "1" }),
    };
  }

  /** Where the token cannot be mounted at its place, clients find it by a kubeconfig. */
  async #account(mounts: readonly Mount[]): Promise<Record<string, string>> {
    const volume = mounts.find(({ target }) => target === "/var/run/secrets/kubernetes.io/serviceaccount");
    if (this.#context.isolation.kind !== "Environment" || !volume) return {};
    const token = await readFile(join(volume.source, "token"), "utf8");
    const file = join(this.#context.folder, "kubeconfig");
    await writeKubeconfig(file, { ...this.#context.api.access, token }, "pod", this.identity.namespace);
    return { KUBECONFIG: file };
  }

  #mounts(container: Container, image: Image): Mount[] {
    const declared = (container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly }) => {
      const source = this.#volumes?.get(name);
      if (!source) throw new NotYet("CreateContainerConfigError", `no volume ${name}`);
      const folder = subPath ? join(source, subPath) : source;
      // As the kubelet does: a subPath that is not there yet becomes a folder of the volume.
      if (subPath && !existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o777 });
      return { source: folder, target: mountPath, readOnly: readOnly ?? false };
    });
    const shown = (image.folders ?? []).map((folder) => ({ source: folder, target: folder, readOnly: true }));
    return [...shown, ...declared];
  }

  #exceedDeadline(): void {
    const message = "Pod was active on the node longer than the specified deadline";
    this.#failure ??= { reason: "DeadlineExceeded", message };
    void this.#stopContainers(this.#pod.spec?.terminationGracePeriodSeconds ?? 30);
  }

  async #end(graceSeconds: number): Promise<void> {
    await this.#stopContainers(graceSeconds);
    // Their last states are set a moment after their processes have ended.
    await this.#running;
    this.#changed();
    await this.#settled();
    const { uid } = this.identity;
    await this.#insist(() =>
      this.#context.api.delete(pathOf(this.identity), { gracePeriodSeconds: 0, preconditions: { uid } }),
    );
    this.#leave();
  }

  async #stopContainers(graceSeconds: number): Promise<void> {
    await Promise.all(this.containers.map((runner) => runner.stop(graceSeconds)));
  }

  #changed(): void {
    this.#unsaved = true;
    this.#saving ??= this.#save()
      .catch(this.#context.trouble)
      .finally(() => {
        this.#saving = null;
        // It may have changed after the last write, before it was known here that this was the last.
        if (this.#unsaved && !this.#abandoned.signal.aborted) this.#changed();
      });
  }

  async #settled(): Promise<void> {
    while (this.#saving) await this.#saving;
  }

  /** Writes the status, again and again while it changes meanwhile. */
  async #save(): Promise<void> {
    while (this.#unsaved && !this.#abandoned.signal.aborted) {
      this.#unsaved = false;
      const { podIP, hostIP } = this.#context;
      const view = {
        pod: this.#pod,
        podIP,
        hostIP,
        startTime: this.#startTime,
        volumesReady: this.#volumes !== null,
        init: this.#init.map((runner) => runner.view),
        main: this.#main.map((runner) => runner.view),
        ending: this.#ending,
        failure: this.#failure,
      };
      const status = statusOf(view, this.#conditions, timestamp());
      this.#conditions = status.conditions ?? [];
      await this.#insist(() =>
        this.#context.api.patchStatus(pathOf(this.identity), { metadata: { uid: this.identity.uid }, status }),
      );
    }
  }

  /** Repeats a write until the API server takes it, or the pod is gone (404) or another one (409). */
  async #insist(write: () => Promise<unknown>): Promise<void> {
    while (!this.#abandoned.signal.aborted) {
      try {
        await write();
        return;
      } catch (error) {
        if (error instanceof ApiError && error.status < 500 && error.status !== 429) {
          if (error.status === 404 || error.status === 409) return;
          throw error;
        }
      }
      await sleep(200);
    }
  }
}
