import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dispatcher, request } from "undici";
import { inject } from "vitest";
import { z } from "zod";
import {
  type GatewayConfig,
  gatewayConfig,
  gatewayReport,
  modelIdentity,
  monitorState,
  type StoreUri,
} from "../../../src/api/index.ts";
import { Gateway, readCertificate } from "../../../src/gateway/index.ts";
import { configMaps, type Kube, leases, namespaces, pods, replicaSets } from "../../../src/kube/index.ts";
import { openStore, type Store } from "../../../src/registry/index.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { freePorts } from "../../harness/ports.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace } from "../kube/cluster.ts";
import { putBundle, serveModel } from "./model.ts";
import type { TestServer } from "./rig.ts";

export const service = "products";

export type RunningGateway = {
  readonly name: string;
  readonly url: string;
  readonly adminUrl: string;
  readonly faults: unknown[];
  stop(): Promise<void>;
};

const problem = z.looseObject({ detail: z.string().optional() });

export const digestOf = (uri: string): string => modelIdentity(uri).digest;

/** A namespace with what the operator and the user would have made for one service of vectors. */
export class Bed {
  readonly kube: Kube;
  readonly namespace: string;
  readonly root: string;
  readonly store: Store;
  /** Captured traffic lies apart. */
  readonly traffic: Store;
  readonly stable: StoreUri;
  readonly #podPort: number;
  readonly #kubelet = new KubernetesApi(inject("cluster"));
  readonly #servers: TestServer[] = [];
  readonly #gateways = new Set<RunningGateway>();
  config: GatewayConfig;

  private constructor(parts: Pick<Bed, "kube" | "namespace" | "root" | "store" | "stable"> & { podPort: number }) {
    this.kube = parts.kube;
    this.namespace = parts.namespace;
    this.root = parts.root;
    this.store = parts.store;
    this.traffic = openStore(trafficRoot(parts.root));
    this.stable = parts.stable;
    this.#podPort = parts.podPort;
    const model = { digest: digestOf(parts.stable), uri: parts.stable };
    this.config = gatewayConfig.parse({
      generation: 0,
      service: { name: service, namespace: parts.namespace, uid: "4711" },
      selector: "app=embedder",
      deployment: "embedder",
      port: parts.podPort,
      protocol: "OpenAI",
      modality: "Vector",
      model: { container: "embedder", env: "MODEL_URI" },
      routes: {},
      routing: { salt: "s", stickyHeader: "x-user", stable: model, candidate: null },
      protection: { active: false, mode: "Observe", maxDelay: 2000, maxBytes: 100_000 },
      monitoring: {
        block: "1s",
        minVectors: 30,
        canaries: { count: 8, every: "1s" },
        consistency: { sample: 1, squeezers: ["Quantise"] },
      },
      dataset: { reference: parts.stable, traffic: {} },
      baseline: model,
    });
  }

  static async start(): Promise<Bed> {
    const kube = await connectShared();
    const namespace = await freshNamespace(kube, "gateway");
    const root = await mkdtemp(join(tmpdir(), "evenkeel-gateway-"));
    const store = openStore(root);
    const [podPort = 0] = await freePorts(1);
    const stable = await putBundle(store, 0);
    for (const name of ["gateway-reports", "gateway-state"]) {
      await kube.create(configMaps, { metadata: { name: `${service}-${name}`, namespace } });
    }
    await kube.create(leases, { metadata: { name: `${service}-gateway`, namespace } });
    return new Bed({ kube, namespace, root, store, stable, podPort });
  }

  async stop(): Promise<void> {
    for (const gateway of this.#gateways) await gateway.stop();
    for (const server of this.#servers) await server.close();
    await this.kube.delete(namespaces, { name: this.namespace });
    await Promise.all([this.kube.close(), this.#kubelet.close()]);
    await rm(this.root, { recursive: true, force: true });
  }

  /** A gateway of this process, with its pod as the other gateways see it. */
  async startGateway(name: string, host: string, options: { adminPort?: number; kube?: Kube; tls?: string } = {}) {
    const { namespace, root } = this;
    const faults: unknown[] = [];
    const stopped = new AbortController();
    const gateway = new Gateway({
      kube: options.kube ?? this.kube,
      namespace,
      service,
      pod: name,
      host,
      port: 0,
      adminPort: options.adminPort ?? 0,
      tls: options.tls === undefined ? null : { folder: options.tls, certificate: await readCertificate(options.tls) },
      certificateEveryMs: 50,
      store: root,
      traffic: trafficRoot(root),
      leaseMs: 2000,
      drainMs: 0,
      onFault: (error) => faults.push(error),
    });
    const ports = await gateway.listen();
    const running = gateway.run(stopped.signal);
    const started: RunningGateway = {
      name,
      url: `${options.tls === undefined ? "http" : "https"}://${host}:${ports.port}`,
      adminUrl: `http://${host}:${ports.adminPort}`,
      faults,
      stop: async () => {
        this.#gateways.delete(started);
        stopped.abort();
        await running;
      },
    };
    this.#gateways.add(started);
    await this.#putPod(name, host, "", { "evenkeel.dev/gateway": service });
    return started;
  }

  /**
   * A pod of the API server whose address is a server of this process.
   *
   * @param owner  the Deployment whose ReplicaSet adopts it; null: nobody does
   */
  async startPod(
    name: string,
    host: string,
    uri: string,
    angle: number,
    labels: Record<string, string>,
    owner: string | null = "embedder",
    largest?: number,
  ): Promise<void> {
    this.#servers.push(await serveModel(angle, { host, port: this.#podPort }, largest));
    if (owner === null) {
      await this.#putPod(name, host, uri, labels);
      return;
    }
    const hashed = { ...labels, "pod-template-hash": name };
    await this.#putPod(name, host, uri, hashed);
    const template = { metadata: { labels: hashed }, spec: podSpec(uri) };
    const spec = { replicas: 1, selector: { matchLabels: hashed }, template };
    await this.kube.create(replicaSets, { metadata: { name: `${owner}-${name}`, namespace: this.namespace }, spec });
  }

  async deletePod(name: string): Promise<void> {
    await this.kube.delete(pods, { namespace: this.namespace, name }, { gracePeriodSeconds: 0 });
  }

  /** Writes a configuration as the operator does, and waits until the gateways have it. */
  async configure(change: Partial<GatewayConfig> = {}): Promise<void> {
    this.config = { ...this.config, ...change, generation: this.config.generation + 1 };
    await this.writeConfig(JSON.stringify(this.config));
    for (const { name } of this.#gateways) await this.untilReported(name, this.config.generation);
  }

  async writeConfig(text: string): Promise<void> {
    const metadata = { name: `${service}-gateway`, namespace: this.namespace };
    await this.kube.apply(configMaps, { metadata, data: { "gateway.json": text } }, { fieldManager: "test" });
  }

  async untilReported(name: string, generation: number): Promise<void> {
    await waitFor(`${name} to report generation ${generation}`, async () => {
      const text = (await this.reports())[name];
      return text && gatewayReport.parse(JSON.parse(text)).generation === generation;
    });
  }

  async reports(): Promise<Record<string, string>> {
    const map = await this.kube.get(configMaps, { namespace: this.namespace, name: `${service}-gateway-reports` });
    return map?.data ?? {};
  }

  /** The monitor's state; null before the first block. */
  async state(): Promise<z.infer<typeof monitorState> | null> {
    const map = await this.kube.get(configMaps, { namespace: this.namespace, name: `${service}-gateway-state` });
    const text = map?.data?.["state.json"];
    return text ? monitorState.parse(JSON.parse(text)) : null;
  }

  async #putPod(name: string, host: string, uri: string, labels: Record<string, string>): Promise<void> {
    const { kube, namespace } = this;
    await kube.create(pods, { metadata: { name, namespace, labels }, spec: podSpec(uri) });
    const lastTransitionTime = new Date().toISOString();
    const conditions = [{ type: "Ready", status: "True", lastTransitionTime }];
    const status = { phase: "Running", podIP: host, podIPs: [{ ip: host }], conditions };
    await this.#kubelet.patchStatus(`/api/v1/namespaces/${namespace}/pods/${name}`, { status });
  }
}

function podSpec(uri: string) {
  const container = { name: "embedder", image: "embedder", env: [{ name: "MODEL_URI", value: uri }] };
  return { nodeSelector: { nowhere: "true" }, containers: [container] };
}

export async function embed(
  { url }: RunningGateway,
  inputs: readonly (readonly number[])[],
  headers: Record<string, string> = {},
  dispatcher?: Dispatcher,
) {
  const answer = await request(`${url}/v1/embeddings`, {
    method: "POST",
    ...(dispatcher && { dispatcher }),
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ input: inputs, model: "m" }),
  });
  const body = problem.parse(await answer.body.json());
  return { status: answer.statusCode, headers: answer.headers, body, model: answer.headers["x-evenkeel-model"] };
}

/** The first series of a metric with these labels; null when there is none. */
export async function metric(
  { adminUrl }: RunningGateway,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | null> {
  const text = await (await request(`${adminUrl}/metrics`)).body.text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = text
    .split("\n")
    .find((one) => one.startsWith(`${name}{`) && wanted.every((label) => one.includes(label)));
  return line ? Number(line.split(" ").at(-1)) : null;
}

function trafficRoot(root: string): string {
  return join(root, "traffic-store");
}
