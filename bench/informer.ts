/**
 * Informer against its peer, the informer of @kubernetes/client-node, on a real API server: `node bench/informer.ts`.
 *
 * Each side lists and watches 10,000 ConfigMaps in a process of its own, in turn. Printed are medians and the ratios of
 * the two, which mean more than the figures of one machine.
 */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type ConfigMap, configMaps, connect, Informer, type Kube, namespaces } from "../src/kube/index.ts";
import { startControlPlane } from "../test/harness/control-plane.ts";

interface Task {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly objects: number;
  /** Before the updates: a watch from here replays them as fast as the reader can. */
  readonly resourceVersion: string;
}

/** What one side measured in one process. */
interface Figures {
  readonly listMs: number;
  readonly listCpuMs: number;
  /** Heap that the full cache takes, after a garbage collection. */
  readonly heapMb: number;
  readonly peakRssMb: number;
  readonly watchMs: number;
  readonly watchCpuMs: number;
}

type Side = "evenkeel" | "client-node";
type Measure = (task: Task) => Promise<Figures>;

const sides: Readonly<Record<Side, Measure>> = { evenkeel: measureOurs, "client-node": measurePeer };

async function measureOurs(task: Task): Promise<Figures> {
  const kube = await connect({ kubeconfig: task.kubeconfig, fieldManager: "bench" });
  const stop = new AbortController();
  const informer = new Informer({ kube, resource: configMaps, namespaces: [task.namespace] });
  const list = await measured(async () => {
    void informer.run(stop.signal);
    await informer.whenSynced();
  });
  expectCount("informer", informer.size, task.objects);
  const watch = await measured(async () => {
    let events = 0;
    for await (const batch of kube.watch(configMaps, {
      namespace: task.namespace,
      resourceVersion: task.resourceVersion,
    })) {
      events += batch.length;
      if (events >= task.objects) return;
    }
  });
  stop.abort();
  await kube.close();
  return figures(list, watch);
}

async function measurePeer(task: Task): Promise<Figures> {
  const { CoreV1Api, KubeConfig, makeInformer, Watch } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(task.kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const path = `/api/v1/namespaces/${task.namespace}/configmaps`;
  const informer = makeInformer(config, path, () => api.listNamespacedConfigMap({ namespace: task.namespace }));
  const list = await measured(async () => informer.start());
  expectCount("informer", informer.list().length, task.objects);
  const watch = await measured(
    () =>
      new Promise<void>((resolve, reject) => {
        let events = 0;
        new Watch(config)
          .watch(
            path,
            { resourceVersion: task.resourceVersion, allowWatchBookmarks: true },
            () => {
              events += 1;
              if (events === task.objects) resolve();
            },
            reject,
          )
          .catch(reject);
      }),
  );
  await informer.stop();
  return figures(list, watch);
}

interface Measurement {
  readonly ms: number;
  readonly cpuMs: number;
  readonly heapMb: number;
}

async function measured(work: () => Promise<void>): Promise<Measurement> {
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  globalThis.gc?.();
  return { ms, cpuMs: (user + system) / 1000, heapMb: (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20 };
}

function figures(list: Measurement, watch: Measurement): Figures {
  return {
    listMs: list.ms,
    listCpuMs: list.cpuMs,
    heapMb: list.heapMb,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
    watchMs: watch.ms,
    watchCpuMs: watch.cpuMs,
  };
}

function expectCount(what: string, got: number, wanted: number): void {
  if (got !== wanted) throw new Error(`${what}: ${got} objects instead of ${wanted}`);
}

const nameOf = (n: number) => `object-${n.toString().padStart(6, "0")}`;

async function inParallel(count: number, work: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < count; n = next++) await work(n);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

/** Objects of about 2 KB with managed fields, as a cluster has them; then one update of each. */
async function populate(kube: Kube, namespace: string, objects: number): Promise<string> {
  await kube.create(namespaces, { metadata: { name: namespace } });
  const labels = { "app.kubernetes.io/name": "bench", "app.kubernetes.io/part-of": "bench" };
  const data = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`key-${n}`, "x".repeat(100)]));
  await inParallel(objects, (n) => kube.create(configMaps, { metadata: { name: nameOf(n), namespace, labels }, data }));
  const { resourceVersion } = await kube.list(configMaps, { namespace, pageSize: 1_000 });
  const update: Partial<ConfigMap> = { data: { changed: "yes" } };
  await inParallel(objects, (n) => kube.mergePatch(configMaps, { namespace, name: nameOf(n) }, update));
  return resourceVersion;
}

async function measureInProcess(side: Side, task: Task): Promise<Figures> {
  const file = fileURLToPath(import.meta.url);
  const run = promisify(execFile);
  const args = ["--expose-gc", file, "--side", side, "--task", JSON.stringify(task)];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 2 ** 20 });
  return JSON.parse(stdout);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function table(objects: number, results: Readonly<Record<Side, readonly Figures[]>>): object {
  const medianOf = (side: Side, figure: keyof Figures) => median(results[side].map((run) => run[figure]));
  const rows = (["listMs", "listCpuMs", "heapMb", "peakRssMb", "watchMs", "watchCpuMs"] as const).map((figure) => {
    const ours = medianOf("evenkeel", figure);
    const peer = medianOf("client-node", figure);
    return { figure, evenkeel: ours, "client-node": peer, "peer / ours": peer / ours };
  });
  const rate = (side: Side, figure: "listMs" | "watchMs") => (1000 * objects) / medianOf(side, figure);
  const rates = (["listMs", "watchMs"] as const).map((figure) => ({
    figure: figure === "listMs" ? "listed objects/s" : "watched events/s",
    evenkeel: rate("evenkeel", figure),
    "client-node": rate("client-node", figure),
    "ours / peer": rate("evenkeel", figure) / rate("client-node", figure),
  }));
  process.stdout.write(`${objects} ConfigMaps, medians of ${results.evenkeel.length} runs\n`);
  for (const { figure, ...row } of [...rows, ...rates]) {
    const cells = Object.entries(row).map(([name, value]) => `${name} ${value.toFixed(2).padStart(9)}`);
    process.stdout.write(`  ${figure.padEnd(18)} ${cells.join("   ")}\n`);
  }
  return { objects, rows, rates };
}

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "10000" },
    runs: { type: "string", default: "3" },
    json: { type: "string" },
    side: { type: "string" },
    task: { type: "string" },
  },
});

if (values.task !== undefined) {
  const measure = values.side === "evenkeel" ? sides.evenkeel : sides["client-node"];
  process.stdout.write(JSON.stringify(await measure(JSON.parse(values.task))));
  process.exit();
}

const objects = Number(values.objects);
const plane = await startControlPlane({ parts: "ApiServer" });
try {
  const kube = await connect({ kubeconfig: plane.adminKubeconfig, fieldManager: "bench", qps: 1e5, burst: 1e5 });
  const namespace = "bench";
  const task: Task = {
    kubeconfig: plane.adminKubeconfig,
    namespace,
    objects,
    resourceVersion: await populate(kube, namespace, objects),
  };
  await kube.close();
  const results: Record<Side, Figures[]> = { evenkeel: [], "client-node": [] };
  for (let run = 0; run < Number(values.runs); run += 1) {
    for (const side of ["evenkeel", "client-node"] as const) results[side].push(await measureInProcess(side, task));
  }
  const summary = table(objects, results);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(summary, null, 2)}\n`);
} finally {
  await plane.stop();
}
