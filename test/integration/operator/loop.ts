import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, inject } from "vitest";
import {
  type EmbeddingService,
  embeddingService,
  type ModelRollout,
  type ModelVersion,
  modelRollout,
  modelVersion,
  type Retraining,
  retraining,
} from "../../../src/api/index.ts";
import { parseLines } from "../../../src/audit/index.ts";
import type { ConfigMap, Deployment, Job, Pod } from "../../../src/kube/index.ts";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { temporaryFolder } from "../../harness/temporary-folder.ts";
import { waitFor } from "../../harness/wait.ts";
import { kubeconfigText } from "../kube/cluster.ts";
import { OperatorProcess } from "./operator-process.ts";
import { PodsAtOnce, type Work } from "./pods-at-once.ts";
import { type ScriptedPrometheus, startScriptedPrometheus } from "./scripted-prometheus.ts";
import { digestOf, drifted, install, type PodSpec, paths, service, worker } from "./shop.ts";

/**
 * The loop of one service, for the tests of a file: each has a namespace, a Prometheus and an operator of its own.
 *
 * Files run side by side against one cluster: what a test makes that no namespace holds, such as a webhook or a policy,
 * has the namespace in its name and selects nothing outside of it.
 */
export function useLoop() {
  const cluster = inject("cluster");
  const api = new KubernetesApi(cluster);
  let pods: PodsAtOnce;
  let dir: string;
  let namespace: string;
  let prometheus: ScriptedPrometheus;
  let operator: OperatorProcess;

  beforeAll(async () => {
    await installCrds(api);
    pods = new PodsAtOnce(api);
    dir = await temporaryFolder("operator");
  });
  afterAll(async () => {
    pods.stop();
    await api.close();
  });

  beforeEach(async () => {
    namespace = await makeNamespace(api, "loop");
    prometheus = await startScriptedPrometheus(drifted);
    operator = new OperatorProcess({
      dir,
      namespace,
      prometheus: prometheus.url,
      leaseDuration: "30s",
      kubeconfigText: kubeconfigText(cluster.url, cluster.ca, cluster.token),
    });
  });
  afterEach(async ({ task }) => {
    await operator.kill();
    await prometheus.stop();
    if (task.result?.state === "fail") {
      console.log(await readFile(operator.log, "utf8"));
      console.log(JSON.stringify(await api.find(paths(namespace).service), null, 1));
      for (const plural of ["retrainings", "modelrollouts"]) {
        console.log(JSON.stringify(await api.find(paths(namespace).kind(plural)), null, 1).slice(0, 20_000));
      }
    }
    await api.delete(`/api/v1/namespaces/${namespace}`);
  });

  /** Everything is there and the operator runs. */
  async function begin(
    options: { work?: Work; spec?: object; ready?: (pod: Pod) => boolean; replicas?: number; pod?: PodSpec } = {},
  ): Promise<void> {
    pods.serve(namespace, options.work ?? worker(), options.ready);
    await install(api, namespace, options);
    await operator.start();
    await api.create(paths(namespace).kind("embeddingservices"), service(namespace, prometheus.url, options.spec));
  }

  const shop = async (): Promise<EmbeddingService> => embeddingService.parse(await api.get(paths(namespace).service));
  const many = async <T>(plural: string, kind: string, parse: (object: unknown) => T): Promise<T[]> =>
    (await api.get<{ items: object[] }>(paths(namespace).kind(plural))).items.map((item) =>
      parse({ apiVersion: "evenkeel.dev/v1alpha1", kind, ...item }),
    );
  const runs = (): Promise<Retraining[]> => many("retrainings", "Retraining", (item) => retraining.parse(item));
  const rollouts = (): Promise<ModelRollout[]> =>
    many("modelrollouts", "ModelRollout", (item) => modelRollout.parse(item));
  const versions = (): Promise<ModelVersion[]> =>
    many("modelversions", "ModelVersion", (item) => modelVersion.parse(item));
  const jobs = async (): Promise<Job[]> => (await api.get<{ items: Job[] }>(paths(namespace).jobs)).items;
  const workload = (): Promise<Deployment> => api.get(paths(namespace).workload);
  const served = async () =>
    (await workload()).spec?.template.spec?.containers[0]?.env?.find(({ name }) => name === "MODEL_URI")?.value;

  async function until<T>(what: string, find: () => Promise<readonly T[]>, holds: (item: T) => boolean): Promise<T> {
    return waitFor(what, async () => (await find()).find(holds), { withinMs: 40_000 });
  }

  /** A rollout of `half` that has got there. */
  const holding = () =>
    until("a rollout to hold", rollouts, ({ status }) => status.weight === 50 && status.stepStartedAt !== undefined);

  async function chain(uid: string) {
    const { items } = await api.get<{ items: ConfigMap[] }>(
      `${paths(namespace).configMaps}?labelSelector=evenkeel.dev/audit=${uid}`,
    );
    return items.flatMap((item) => parseLines(item.data?.["entries.jsonl"] ?? ""));
  }

  /** A run that a person makes of a model. */
  const byHand = async (name: string, word: string): Promise<void> => {
    const parent = { digest: digestOf(word), uri: `store://models/shop@${digestOf(word)}` };
    const { dataset, gates } = (await shop()).spec;
    await api.create(paths(namespace).kind("retrainings"), {
      apiVersion: "evenkeel.dev/v1alpha1",
      kind: "Retraining",
      metadata: { name },
      spec: {
        serviceRef: { name: "shop" },
        cause: { id: name, class: "Manual", trigger: "ada", at: new Date().toISOString() },
        parent,
        baseline: parent,
        threatModel: { name: "images", hash: digestOf("hash"), perturbations: [] },
        dataset: { reference: dataset.reference, evaluation: dataset.evaluation },
        evaluationData: "Labelled",
        seed: 1,
        trainer: {},
        placement: {},
        gates,
        alpha: 0.025,
        claimName: "store",
        maxDuration: "1m",
      },
    });
  };

  return {
    api,
    begin,
    byHand,
    chain,
    holding,
    jobs,
    rollouts,
    runs,
    served,
    shop,
    until,
    versions,
    workload,
    get namespace() {
      return namespace;
    },
    /** For a test that has deleted its own: the one to clean up afterwards. */
    set namespace(another) {
      namespace = another;
    },
    get operator() {
      return operator;
    },
    get pods() {
      return pods;
    },
    get prometheus() {
      return prometheus;
    },
  };
}
