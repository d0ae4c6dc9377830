import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import {
  type DocumentCount,
  type EmbeddingService,
  embeddingService,
  type GatewayReport,
  gatewayConfig,
  type ModelRollout,
  type ModelVersion,
  modelRollout,
  modelVersion,
  type Retraining,
  retraining,
} from "../../../src/api/index.ts";
import { parseLines, verifyChain } from "../../../src/audit/index.ts";
import type { ConfigMap, Deployment, Job, Pod, Service } from "../../../src/kube/index.ts";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { temporaryFolder } from "../../harness/temporary-folder.ts";
import { waitFor } from "../../harness/wait.ts";
import { kubeconfigText } from "../kube/cluster.ts";
import { OperatorProcess } from "./operator-process.ts";
import { PodsAtOnce, type Work } from "./pods-at-once.ts";
import { alarmSeries, type ScriptedPrometheus, startScriptedPrometheus } from "./scripted-prometheus.ts";
import {
  datasets,
  deploy,
  digestOf,
  drifted,
  install,
  models,
  type PodSpec,
  passingRow,
  paths,
  provide,
  rolloutPolicy,
  service,
  worker,
} from "./shop.ts";

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

async function chain(uid: string) {
  const { items } = await api.get<{ items: ConfigMap[] }>(
    `${paths(namespace).configMaps}?labelSelector=evenkeel.dev/audit=${uid}`,
  );
  return items.flatMap((item) => parseLines(item.data?.["entries.jsonl"] ?? ""));
}

const candidateName = `embedder-evenkeel-${digestOf("second").slice("sha256:".length, "sha256:".length + 8)}`;

const reportsPath = () => `${paths(namespace).configMaps}/shop-gateway-reports`;
const gatewayReports = async () => (await api.get<ConfigMap>(reportsPath())).data ?? {};

/** What a gateway leaves that ended a while ago. */
async function leaveReport(name: string, version: DocumentCount): Promise<void> {
  const long = new Date(Date.now() - 120_000).toISOString();
  const documents = { since: long, versions: [version] };
  const report = { generation: 1, ready: false, pods: {}, documents, at: long } satisfies GatewayReport;
  await api.patch(reportsPath(), { data: { [name]: JSON.stringify(report) } });
}

describe("the whole loop", () => {
  it("adopts, sees the drift, retrains once, proves, rolls out, watches", async () => {
    await begin();
    const promoted = await until("the rollout to be promoted", rollouts, ({ status }) => status.phase === "Promoted");
    const { status, metadata } = await waitFor("the service to be steady", async () => {
      const now = await shop();
      return (
        now.status.rollout === undefined &&
        now.status.phase === "Steady" &&
        now.status.audit.pending.length === 0 &&
        now
      );
    });
    expect(await served()).toBe(models.second);
    expect(status.activeVersion?.uri).toBe(models.second);
    expect(status.baselineVersion?.uri).toBe(models.first);
    expect(promoted.status.weights.map(({ weight, mirror }) => [weight, mirror])).toEqual([
      [0, true],
      [50, false],
      [100, false],
    ]);

    const [run, ...others] = await runs();
    expect(others).toEqual([]);
    expect(run?.status).toMatchObject({
      phase: "Published",
      gates: [{ name: "clean", verdict: "Pass" }],
      bundle: models.second,
    });
    expect(run?.spec.alpha).toBe(0.025);
    const ended = (await jobs()).map(({ metadata: { name, finalizers }, spec }) => [
      name,
      { finalizers, ttl: spec?.ttlSecondsAfterFinished },
    ]);
    expect(Object.fromEntries(ended)).toEqual({
      [`${run?.metadata.name}-evaluate`]: { finalizers: undefined, ttl: 86_400 },
      [`${run?.metadata.name}-train`]: { finalizers: undefined, ttl: 86_400 },
    });
    const phases = Object.fromEntries((await versions()).map(({ spec, status: { phase } }) => [spec.uri, phase]));
    await waitFor("the first version to be retired", async () =>
      (await versions()).some(({ status: { phase } }) => phase === "Retired"),
    );
    expect(phases[models.second]).toBe("Active");

    const deployments = await api.get<{ items: Deployment[] }>(paths(namespace).deployments);
    await waitFor("pools to be gone", async () => {
      const { items } = await api.get<{ items: Deployment[] }>(paths(namespace).deployments);
      return items.length === 2;
    });
    expect(deployments.items.map(({ metadata: { name } }) => name)).toContain("shop-gateway");
    const config = await api.get<ConfigMap>(`${paths(namespace).configMaps}/shop-gateway`);
    expect(gatewayConfig.parse(JSON.parse(config.data?.["gateway.json"] ?? "")).routing).toMatchObject({
      stable: { uri: models.second },
      candidate: null,
    });

    const entries = await chain(metadata.uid);
    expect(verifyChain(entries, { seq: status.audit.seq, head: status.audit.head })).toMatchObject({ kind: "Whole" });
    expect(entries.map(({ kind }) => kind)).toEqual([
      "ModelSeeded",
      "VersionAdopted",
      "CauseRecorded",
      "TrainingStarted",
      "TrainingFinished",
      "GatesJudged",
      "RunPublished",
      "RolloutStarted",
      "WeightChanged",
      "StepPassed",
      "WeightChanged",
      "StepPassed",
      "WeightChanged",
      "PromotionStarted",
      "VersionPromoted",
      "VersionActivated",
      "RolloutFinished",
    ]);
    expect(status.ledger).toHaveLength(1);
    expect(status.evaluationUses).toMatchObject([{ uses: 1 }]);

    const metrics = await (await fetch(`${operator.url}/metrics`)).text();
    expect(metrics).toContain(
      `evenkeel_audit_sequence{namespace="${namespace}",service="shop",uid="${metadata.uid}"} ${status.audit.seq}`,
    );
    expect(metrics).toContain(
      `evenkeel_audit_head_info{namespace="${namespace}",service="shop",head="${status.audit.head}"} 1`,
    );
    expect((await fetch(`${operator.url}/readyz`)).status).toBe(200);
  });
});

describe("a model that an init container fetches", () => {
  it("is seeded, promoted and rolled back there, and nowhere else", async () => {
    const server = { name: "server", image: "embedder" };
    const fetch = (value?: string) => ({
      name: "fetch",
      image: "evenkeel",
      args: ["fetch", "--to", "/model"],
      env: [
        { name: "EVENKEEL_STORE", value: "/store" },
        { name: "MODEL_URI", ...(value ? { value } : {}) },
      ],
    });
    const modelsOf = ({ spec }: Deployment) => {
      const { containers = [], initContainers = [] } = spec?.template.spec ?? {};
      return {
        server: containers.map(({ env = [] }) => env),
        fetch: initContainers.map(({ env = [] }) => env.map(({ value }) => value)),
      };
    };
    const fetching = (uri: string) => ({ server: [[]], fetch: [["/store", uri]] });
    await begin({
      pod: { containers: [server], initContainers: [fetch()] },
      spec: {
        model: { container: "fetch", env: "MODEL_URI", initial: models.first },
        rollout: { ...rolloutPolicy, watchAfter: "60s", keepPrevious: "60s" },
      },
    });
    await waitFor("the first version", async () => (await shop()).status.activeVersion?.uri === models.first);
    const candidate = await waitFor("the candidate", () =>
      api.find<Deployment>(`${paths(namespace).deployments}/${candidateName}`),
    );
    expect(modelsOf(candidate)).toEqual(fetching(models.second));
    await until("the rollout to watch", rollouts, ({ status }) => status.phase === "Watching");
    expect(modelsOf(await workload())).toEqual(fetching(models.second));
    prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
    await until("the rollout to be rolled back", rollouts, ({ status }) => status.phase === "RolledBack");
    expect(modelsOf(await workload())).toEqual(fetching(models.first));
    await waitFor("it to be active again", async () => (await shop()).status.activeVersion?.uri === models.first);
  });
});

describe("what is adopted", () => {
  it("is only what a pod serves", async () => {
    await begin({ ready: ({ metadata }) => metadata.labels?.["app"] !== "embedder", replicas: 2 });
    const { status } = await waitFor("the service to wait", async () => {
      const now = await shop();
      return now.status.holding?.reason === "WorkloadNotReady" && now;
    });
    expect(status.holding?.message).toBe(`0 of 2 pods are ready with ${models.first}`);
    expect(status.activeVersion).toBeUndefined();
    expect(await versions()).toEqual([]);
    pods.serve(namespace, worker());
    await waitFor("the first version", async () => (await shop()).status.baselineVersion?.uri === models.first);
  });
});

describe("a field that loses its value after a promotion", () => {
  it.each<[string, () => Promise<unknown>]>([
    [
      "with the Deployment",
      async () => {
        await api.delete(paths(namespace).workload);
        await deploy(api, namespace);
      },
    ],
    [
      "by hand",
      () =>
        api.patch(paths(namespace).workload, {
          spec: { template: { spec: { containers: [{ name: "main", image: "embedder" }] } } },
        }),
    ],
  ])("%s is given the active version again, not the first one", async (_, empty) => {
    await begin();
    await waitFor("the promotion to be over", async () => {
      const { activeVersion, rollout } = (await shop()).status;
      return activeVersion?.uri === models.second && rollout === undefined;
    });
    await empty();
    await waitFor("the value to be back", async () => (await served()) === models.second);
    const { status, metadata } = await waitFor("the trail to be written", async () => {
      const now = await shop();
      return now.status.holding === undefined && now.status.audit.pending.length === 0 && now;
    });
    expect(status.activeVersion?.uri).toBe(models.second);
    const told = (await chain(metadata.uid)).filter(({ kind }) => kind.startsWith("Model"));
    expect(told.map(({ kind, detail }) => [kind, JSON.parse(detail).uri])).toEqual([
      ["ModelSeeded", models.first],
      ["ModelRestored", models.second],
    ]);
  });
});

const drift = (promql: string) => [{ name: "drift", promql, above: 1, then: "Retrain" }];

describe("what keeps a model from being promoted", () => {
  it("is a gate that fails: nothing is rolled out, and the cause is not tried again", async () => {
    await begin({ work: worker([{ ...passingRow, bound: -0.05, p: 0.6 }]) });
    const run = await until("the run to be rejected", runs, ({ status }) => status.phase === "Rejected");
    expect(run.status).toMatchObject({ reason: "GateFailed", gates: [{ verdict: "Fail" }] });
    await waitFor("the cause to be worked on", async () => (await shop()).status.holding?.reason === "CauseWorkedOn");
    expect(await rollouts()).toEqual([]);
    expect(await served()).toBe(models.first);
    await until("the version to be rejected", versions, ({ status }) => status.phase === "Rejected");
    expect((await shop()).status.failures).toMatchObject([{ class: "Drift", count: 1 }]);
  });

  it("is bad data: the Job is not tried again, and the reason is the trainer's", async () => {
    const error = { reason: "Malformed", message: "dataset has no tensor inputs" };
    await begin({ work: ({ kind }) => ({ exitCode: 10, message: JSON.stringify({ kind, error }) }) });
    const run = await until("the run to fail", runs, ({ status }) => status.phase === "Failed");
    expect(run.status).toMatchObject({ reason: "Malformed", message: "dataset has no tensor inputs" });
    const { items } = await api.get<{ items: Pod[] }>(`${paths(namespace).pods}?labelSelector=evenkeel.dev/role=train`);
    expect(items).toHaveLength(1);
  });

  it("is a live defect: the analysis rolls back, and the workload was never touched", async () => {
    await begin();
    prometheus.script = (query) =>
      query.includes("evenkeel_monitor") ? drifted(query) : [{ value: query.startsWith("errors") ? 0.5 : 0 }];
    const rollout = await until(
      "the rollout to be rolled back",
      rollouts,
      ({ status }) => status.phase === "RolledBack",
    );
    expect(rollout.status).toMatchObject({ reason: "AnalysisFailed", weight: 0 });
    expect(rollout.status.message).toContain("errors");
    expect(await served()).toBe(models.first);
    await waitFor(
      "the candidate to be gone",
      async () => (await api.get<{ items: Deployment[] }>(paths(namespace).deployments)).items.length === 2,
    );
    expect((await workload()).metadata.generation).toBe(2);
    await until("the version to be rolled back", versions, ({ status }) => status.phase === "RolledBack");
  });

  it("is a regression after the promotion: it returns to the last good version, and says what to embed again", async () => {
    await begin({ spec: { rollout: { ...rolloutPolicy, watchAfter: "20s", keepPrevious: "20s" } } });
    await until("the rollout to watch", rollouts, ({ status }) => status.phase === "Watching");
    await waitFor(
      "the second version to be active",
      async () => (await shop()).status.activeVersion?.uri === models.second,
    );
    await waitFor("the previous version to be kept", async () => {
      const { items } = await api.get<{ items: Deployment[] }>(
        `${paths(namespace).deployments}?labelSelector=evenkeel.dev/version`,
      );
      return items.length === 1 && items[0]?.status?.readyReplicas === 1;
    });
    const embedded = { count: 1200, uncounted: 1, first: new Date().toISOString(), last: new Date().toISOString() };
    await leaveReport("gateway-that-went", { digest: digestOf("second"), ...embedded });
    const { documents } = await waitFor("the documents to be counted", async () => {
      const { status } = await shop();
      return status.documents.length > 0 && status;
    });
    expect(documents).toEqual([{ digest: digestOf("second"), ...embedded, ended: false }]);
    await waitFor("the report to be cleared", async () => !("gateway-that-went" in (await gatewayReports())));
    prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
    const rollout = await until(
      "the rollout to be rolled back",
      rollouts,
      ({ status }) => status.phase === "RolledBack",
    );
    expect(rollout.status.reason).toBe("AnalysisFailed");
    expect(await served()).toBe(models.first);
    const { status, metadata } = await waitFor("the first version to be active", async () => {
      const now = await shop();
      return now.status.activeVersion?.uri === models.first && now.status.audit.pending.length === 0 && now;
    });
    const { version } = rollout.spec.to;
    const again = { version, digest: digestOf("second"), ...embedded };
    expect(rollout.status.reembed).toEqual(again);
    expect(rollout.status.conditions.find(({ type }) => type === "ReembedNeeded")?.message).toContain(
      `embed again what ${version} embedded from ${embedded.first}`,
    );
    const told = (await chain(metadata.uid)).filter(({ kind }) => kind === "RollbackStarted" || kind === "RolledBack");
    expect(told.map(({ detail }) => JSON.parse(detail).reembed)).toEqual([again, again]);
    expect(status.documents).toEqual([{ digest: digestOf("second"), ...embedded, ended: true }]);
  });

  it("is a person who has not approved: mirroring goes on, no weight", async () => {
    await begin({ spec: { rollout: { ...rolloutPolicy, approval: "Manual" } } });
    const waiting = await until("the rollout to wait", rollouts, ({ status }) => status.phase === "Paused");
    expect(waiting.status).toMatchObject({ step: 1, weight: 0, mirror: true });
    await api.patch(`${paths(namespace).kind("modelrollouts")}/${waiting.metadata.name}`, {
      spec: { approvals: [{ by: "ada", at: new Date().toISOString() }] },
    });
    await until("the rollout to be promoted", rollouts, ({ status }) => status.phase === "Promoted");
    await waitFor(
      "the approved version to be the baseline",
      async () => (await shop()).status.baselineVersion?.uri === models.second,
    );
  });
});

describe("what happens meanwhile", () => {
  const half = { ...rolloutPolicy, steps: [{ weight: 50, hold: "30s" }, { weight: 100 }] };
  const holding = () =>
    until("a rollout to hold", rollouts, ({ status }) => status.weight === 50 && status.stepStartedAt !== undefined);
  const stayed: Work = () => null;

  it("a field that somebody else sets mid-rollout stands: the rollout goes back and does not fight", async () => {
    await begin({ spec: { rollout: half } });
    await holding();
    const mine = `store://models/mine@${digestOf("mine")}`;
    const container = { name: "main", env: [{ name: "MODEL_URI", value: mine }] };
    await api.apply(
      paths(namespace).workload,
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "embedder" },
        spec: { template: { spec: { containers: [container] } } },
      },
      "somebody",
    );
    const rollout = await until(
      "the rollout to be rolled back",
      rollouts,
      ({ status }) => status.phase === "RolledBack",
    );
    expect(rollout.status.reason).toBe("FieldContested");
    await waitFor("their model to be adopted", async () => (await shop()).status.activeVersion?.uri === mine);
    expect(await served()).toBe(mine);
    const { status } = await waitFor("the owner to be named", async () => {
      const now = await shop();
      return now.status.conditions.some(({ type, status: holds }) => type === "Promotable" && holds === "False") && now;
    });
    expect(status.conditions.find(({ type }) => type === "Promotable")).toMatchObject({
      reason: "FieldOwnedBy",
      message: expect.stringContaining("somebody"),
    });
  });

  /** A rollout that goes back, while somebody has applied the promoted version themselves: no conflict then. */
  const shared = async () => {
    await begin({ spec: { rollout: { ...rolloutPolicy, watchAfter: "60s", keepPrevious: "60s" } } });
    await until("the rollout to watch", rollouts, ({ status }) => status.phase === "Watching");
    await waitFor(
      "the second version to be active",
      async () => (await shop()).status.activeVersion?.uri === models.second,
    );
    await waitFor("the previous version to be kept", async () => (await poolsReady()).join() === "1");
    const apply = (container: object): Promise<unknown> =>
      api.apply(
        paths(namespace).workload,
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "embedder" },
          spec: { template: { spec: { containers: [{ name: "main", ...container }] } } },
        },
        "argocd",
      );
    await apply({ env: [{ name: "MODEL_URI", value: models.second }] });
    prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
    const { status } = await until("the rollout to stall", rollouts, ({ status: { conditions } }) =>
      conditions.some(({ type, status: holds }) => type === "Stalled" && holds === "True"),
    );
    expect(status).toMatchObject({ phase: "RollingBack", reason: "AnalysisFailed" });
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
      reason: "FieldContested",
      message: expect.stringContaining("owned by argocd"),
    });
    await waitFor("kept pods to answer", async () => {
      const { data } = await api.get<ConfigMap>(`${paths(namespace).configMaps}/shop-gateway`);
      const { candidate } = gatewayConfig.parse(JSON.parse(data?.["gateway.json"] ?? "")).routing;
      return candidate?.uri === models.first && candidate.weight === 100;
    });
    expect(await served()).toBe(models.second);
    return apply;
  };
  const poolsReady = async () => {
    const pools = `${paths(namespace).deployments}?labelSelector=evenkeel.dev/version`;
    const { items } = await api.get<{ items: Deployment[] }>(pools);
    return items.map(({ status }) => status?.readyReplicas);
  };

  it("a field that somebody shares is not given back by force, and is when they let go of it", async () => {
    const apply = await shared();
    await apply({});
    await until("the rollout to be rolled back", rollouts, ({ status }) => status.phase === "RolledBack");
    expect(await served()).toBe(models.first);
    await waitFor(
      "the first version to be active",
      async () => (await shop()).status.activeVersion?.uri === models.first,
    );
    await waitFor("the kept pods to be gone", async () => (await poolsReady()).length === 0);
  });

  it("a field that somebody shares and sets to a version of their own stands, and ends the way back", async () => {
    const apply = await shared();
    const mine = `store://models/mine@${digestOf("mine")}`;
    await apply({ env: [{ name: "MODEL_URI", value: mine }] });
    const { status } = await until("the rollout to end", rollouts, ({ status: { phase } }) => phase === "RolledBack");
    expect(status.reason).toBe("AnalysisFailed");
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
      status: "True",
      reason: "FieldContested",
      message: `somebody set MODEL_URI of the workload to ${mine}`,
    });
    await waitFor("their model to be adopted", async () => (await shop()).status.activeVersion?.uri === mine);
    expect(await served()).toBe(mine);
  });

  it("a policy that lets no Deployment be deleted stops no way back", async () => {
    const policy = `keep-${namespace}`;
    const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    const bindings = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
    const approval = "Manual";
    await begin({ spec: { rollout: { ...rolloutPolicy, approval, watchAfter: "60s", keepPrevious: "60s" } } });
    const waiting = await until("the rollout to wait", rollouts, ({ status }) => status.phase === "Paused");
    await api.create(policies, {
      metadata: { name: policy },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          resourceRules: [
            { apiGroups: ["apps"], apiVersions: ["v1"], operations: ["DELETE"], resources: ["deployments"] },
          ],
        },
        validations: [{ expression: "false", message: "Deployments stay" }],
      },
    });
    try {
      await api.create(bindings, {
        metadata: { name: policy },
        spec: { policyName: policy, validationActions: ["Deny"] },
      });
      await waitFor("the policy to be in force", () =>
        api.delete(paths(namespace).workload, { dryRun: ["All"] }).then(
          () => false,
          (error: Error) => error.message.includes("Deployments stay"),
        ),
      );
      await api.patch(`${paths(namespace).kind("modelrollouts")}/${waiting.metadata.name}`, {
        spec: { approvals: [{ by: "ada", at: new Date().toISOString() }] },
      });
      const refused = (rollout: ModelRollout) =>
        rollout.status.conditions.some(({ type, reason }) => type === "Stalled" && reason === "Refused");
      const watching = await until("the candidate's pods to stay", rollouts, refused);
      expect(watching.status.phase).toBe("Watching");
      prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
      await until("the rollout to be rolled back", rollouts, ({ status }) => status.phase === "RolledBack");
      expect(await served()).toBe(models.first);
      expect(await poolsReady()).toHaveLength(2);
    } finally {
      await api.delete(`${bindings}/${policy}`);
      await api.delete(`${policies}/${policy}`);
    }
    await waitFor("pools to be gone", async () => (await poolsReady()).length === 0);
  });

  it.each([
    ["PodDisruptionBudget", "/apis/policy/v1", "poddisruptionbudgets", { selector: {}, maxUnavailable: 1 }],
    ["Service", "/api/v1", "services", { selector: { "evenkeel.dev/service": "shop" }, ports: [{ port: 80 }] }],
    [
      "HorizontalPodAutoscaler",
      "/apis/autoscaling/v2",
      "horizontalpodautoscalers",
      { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: candidateName }, maxReplicas: 2 },
    ],
  ])(
    "a %s that takes the candidate's pods, made mid-rollout, stalls it until it is gone",
    async (kind, group, plural, spec) => {
      await begin({ spec: { rollout: half } });
      await holding();
      const catchers = `${group}/namespaces/${namespace}/${plural}`;
      await api.create(catchers, { metadata: { name: "everything" }, spec });
      const stalled = (holds: "True" | "False") => (rollout: ModelRollout) =>
        rollout.status.conditions.some(({ type, status }) => type === "Stalled" && status === holds);
      const caught = await until("the rollout to stall", rollouts, stalled("True"));
      expect(caught.status.conditions).toContainEqual(
        expect.objectContaining({
          type: "Stalled",
          reason: "CanaryCaughtBy",
          message: expect.stringContaining(`${kind} everything`),
        }),
      );
      expect(caught.status).toMatchObject({ weight: 50, phase: "Progressing" });
      await api.delete(`${catchers}/everything`);
      await until("the rollout to go on", rollouts, stalled("False"));
    },
  );

  it("another edit of the workload is carried into the candidate", async () => {
    await begin({ spec: { rollout: half } });
    const { metadata } = await holding();
    await api.patch(paths(namespace).workload, {
      spec: { template: { metadata: { annotations: { edited: "yes" } } } },
    });
    await waitFor("the candidate to have it", async () => {
      const { items } = await api.get<{ items: Deployment[] }>(
        `${paths(namespace).deployments}?labelSelector=evenkeel.dev/version`,
      );
      return items[0]?.spec?.template.metadata?.annotations?.["edited"] === "yes";
    });
    expect((await rollouts()).find((one) => one.metadata.name === metadata.name)?.status.phase).toBe("Progressing");
  });

  it("a Job deleted by hand cancels its run, and there is no second one", async () => {
    await begin({ work: stayed });
    const [job] = await waitFor("the Job", async () => {
      const found = await jobs();
      return found.length > 0 && found;
    });
    expect(job?.metadata.finalizers).toEqual(["evenkeel.dev/result"]);
    expect(job?.spec?.ttlSecondsAfterFinished).toBeUndefined();
    await api.delete(`${paths(namespace).jobs}/${job?.metadata.name}`, { propagationPolicy: "Background" });
    const run = await until("the run to be cancelled", runs, ({ status }) => status.phase === "Cancelled");
    expect(run.status.reason).toBe("JobDeleted");
    await waitFor("the Job to be gone", async () => (await jobs()).length === 0);
    await waitFor("the cause to be worked on", async () => (await shop()).status.holding?.reason === "CauseWorkedOn");
    expect(await runs()).toHaveLength(1);
  });

  it("a service deleted mid-run leaves clients a way, the workload its model, and nothing else", async () => {
    await begin({ work: stayed });
    await waitFor("the Job", async () => (await jobs()).length > 0);
    const { metadata } = await shop();
    await api.delete(paths(namespace).service);
    await waitFor("the service to be gone", async () => (await api.find(paths(namespace).service)) === null);
    const left = await api.get<Service>(`/api/v1/namespaces/${namespace}/services/shop-gateway`);
    expect(left.spec?.selector).toEqual({ app: "embedder" });
    expect(left.metadata.ownerReferences).toBeUndefined();
    expect(await served()).toBe(models.first);
    await waitFor("runs and Jobs to be gone", async () => (await runs()).length === 0 && (await jobs()).length === 0);
    await waitFor(
      "gateways to be gone",
      async () => (await api.find(`${paths(namespace).deployments}/shop-gateway`)) === null,
    );
    const entries = await chain(metadata.uid);
    expect(verifyChain(entries).kind).toBe("Whole");
    expect(entries.at(-1)?.kind).toBe("ServiceReleased");
  });

  it("a service that is made anew takes back the Service that it left to clients", async () => {
    const gateway = `/api/v1/namespaces/${namespace}/services/shop-gateway`;
    await begin({ spec: { triggers: [] } });
    const before = await waitFor("the gateway", () => api.find<Service>(gateway));
    await api.delete(paths(namespace).service);
    await waitFor("the service to be gone", async () => (await api.find(paths(namespace).service)) === null);
    await api.create(paths(namespace).kind("embeddingservices"), service(namespace, prometheus.url, { triggers: [] }));
    const after = await waitFor("clients to be led to the gateway", async () => {
      const found = await api.get<Service>(gateway);
      return found.spec?.selector?.["evenkeel.dev/gateway"] === "shop" && found;
    });
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.spec?.clusterIP).toBe(before.spec?.clusterIP);
    const { metadata } = await waitFor("the service to stall no more", async () => {
      const now = await shop();
      return now.status.phase !== "Stalled" && now.status.activeVersion !== undefined && now;
    });
    expect(after.metadata.ownerReferences).toMatchObject([{ uid: metadata.uid }]);
    await waitFor("it to be told", async () => {
      const { items } = await api.get<{ items: { reason?: string; regarding?: { uid?: string } }[] }>(
        `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
      );
      return items.some(({ reason, regarding }) => reason === "ServiceTakenBack" && regarding?.uid === metadata.uid);
    });
  });

  it.each([
    ["while the candidate has weight", half, ({ status }: ModelRollout) => status.weight === 50, models.first],
    [
      "while it watches the promoted",
      { ...half, steps: [{ weight: 100 }], watchAfter: "60s", keepPrevious: "60s" },
      ({ status }: ModelRollout) => status.phase === "Watching",
      models.second,
    ],
  ])(
    "a service deleted mid-rollout, %s, leaves one model that serves, and no candidate",
    async (_, policy, where, model) => {
      await begin({ spec: { rollout: policy } });
      await until("the rollout to get there", rollouts, where);
      await api.delete(paths(namespace).service);
      await waitFor("the service to be gone", async () => (await api.find(paths(namespace).service)) === null);
      const left = await api.get<Service>(`/api/v1/namespaces/${namespace}/services/shop-gateway`);
      expect(left.spec?.selector).toEqual({ app: "embedder" });
      await waitFor("the candidate and its rollout to be gone", async () => {
        const { items } = await api.get<{ items: Deployment[] }>(paths(namespace).deployments);
        return items.every(({ metadata }) => metadata.name === "embedder") && (await rollouts()).length === 0;
      });
      expect(await served()).toBe(model);
    },
  );

  it("a run that an operator cannot read, older than the CRDs, is not taken for deleted, and goes on when it can", async () => {
    let trained = false;
    await begin({ work: (request, pod) => (request.kind === "Train" && !trained ? null : worker()(request, pod)) });
    const { metadata } = await until(
      "the run to train",
      runs,
      ({ status }) => status.train?.uid !== "" && status.phase === "Training",
    );
    const named = await waitFor("the service to have seen it", async () => {
      const { retraining: slot } = (await shop()).status;
      return slot?.phase === "Training" && slot;
    });
    operator.signal("SIGTERM");
    await waitFor("the operator to have ended", () => operator.ended);
    const path = `${paths(namespace).kind("retrainings")}/${metadata.name}`;
    const crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/retrainings.evenkeel.dev";
    const text = JSON.stringify(await api.get(crd)).replaceAll(
      '"enum":["Pending","Training",',
      '"enum":["Queued","Pending","Training",',
    );
    await api.replace(crd, JSON.parse(text));
    try {
      await waitFor("the newer CRD to be in force", () => api.patch(`${path}/status`, { status: { phase: "Queued" } }));
      await operator.start();
      const { status, metadata: owner } = await waitFor("the service to wait for it", async () => {
        const now = await shop();
        return now.status.holding?.reason === "Unreadable" && now;
      });
      expect(status.holding?.message).toContain("phase");
      expect(status.retraining).toEqual(named);
      expect((await jobs()).map((job) => [job.metadata.deletionTimestamp, job.metadata.finalizers?.length])).toEqual([
        [undefined, 1],
      ]);
      expect(
        (await readFile(operator.log, "utf8")).split("\n").filter((line) => line.includes(`Retraining ${namespace}/`)),
      ).toHaveLength(1);
      await api.patch(`${path}/status`, { status: { phase: "Training" } });
      trained = true;
      pods.serve(namespace, worker());
      await until("the run to be published", runs, ({ status: { phase } }) => phase === "Published");
      const kinds = (await chain(owner.uid)).map(({ kind }) => kind);
      expect(kinds).not.toContain("RunDeleted");
      expect(kinds.filter((kind) => kind === "TrainingStarted")).toHaveLength(1);
    } finally {
      await installCrds(api);
    }
  });

  it("a namespace deleted mid-run goes, with everything that holds a finalizer", async () => {
    await begin({ work: stayed });
    await waitFor("the Job", async () => (await jobs()).length > 0);
    await api.delete(`/api/v1/namespaces/${namespace}`);
    const gone = waitFor(
      "the namespace to be gone",
      async () => (await api.find(`/api/v1/namespaces/${namespace}`)) === null,
      { withinMs: 50_000 },
    );
    await expect(gone).resolves.toBe(true);
    namespace = await makeNamespace(api, "loop");
  });

  it("a name that a stranger has is said, and not taken", async () => {
    await api.create(`/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: "shop-gateway" },
      spec: { ports: [{ port: 80 }] },
    });
    await begin();
    const { status } = await waitFor("the service to stall", async () => {
      const now = await shop();
      return now.status.phase === "Stalled" && now;
    });
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
      status: "True",
      reason: "NameTaken",
    });
    const { spec } = await api.get<Service>(`/api/v1/namespaces/${namespace}/services/shop-gateway`);
    expect(spec?.selector).toBeUndefined();
  });

  it("a workload that another service has is said, not touched, and taken over once that has gone", async () => {
    await begin({ spec: { triggers: [] } });
    await waitFor("the first version", async () => (await shop()).status.activeVersion?.uri === models.first);
    const { metadata } = await workload();
    const second = `${paths(namespace).kind("embeddingservices")}/shop-two`;
    const wanted = service(namespace, prometheus.url, { triggers: [] });
    await api.create(paths(namespace).kind("embeddingservices"), {
      ...wanted,
      metadata: { name: "shop-two", namespace },
    });
    const younger = async (): Promise<EmbeddingService> => embeddingService.parse(await api.get(second));
    const { status } = await waitFor("the younger to stall", async () => {
      const now = await younger();
      return now.status.phase === "Stalled" && now;
    });
    expect(status.conditions).toContainEqual(
      expect.objectContaining({ reason: "WorkloadTaken", message: expect.stringContaining("EmbeddingService shop,") }),
    );
    expect(status.activeVersion).toBeUndefined();
    expect(await api.find(`${paths(namespace).configMaps}/shop-two-gateway`)).toBeNull();
    expect((await workload()).metadata.generation).toBe(metadata.generation);
    expect((await shop()).status.phase).not.toBe("Stalled");
    await api.delete(paths(namespace).service);
    await waitFor("the younger to go on", async () => {
      const now = await younger();
      return now.status.phase !== "Stalled" && now.status.activeVersion?.uri === models.first;
    });
  });

  it("a spec that changes mid-run is for the next one; suspension stops no rollback", async () => {
    let trained = false;
    await begin({
      work: (request, pod) => (request.kind === "Train" && !trained ? null : worker()(request, pod)),
      spec: { rollout: half },
    });
    await until("the run to train", runs, ({ status }) => status.train?.uid !== "" && status.phase === "Training");
    const changed = { retraining: { suspended: true, trainer: { maxSteps: 7 } } };
    await api.patch(paths(namespace).service, { spec: changed });
    trained = true;
    pods.serve(namespace, worker());
    await holding();
    expect((await runs())[0]?.spec.trainer.maxSteps).toBe(2000);
    prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
    await until(
      "the rollout to be rolled back",
      rollouts,
      ({ status }) => status.reason === "AnalysisFailed" && status.phase === "RolledBack",
    );
    expect((await shop()).status.holding?.reason).toBe("Suspended");
  });

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

  it("what is beyond the history goes, and its decisions are in the trail", async () => {
    await begin({ spec: { triggers: drift("quiet"), historyLimit: 1 } });
    const { metadata } = await waitFor("the first version", async () => {
      const now = await shop();
      return now.status.activeVersion !== undefined && now;
    });
    for (const name of ["one", "two", "three"]) {
      await byHand(name, "replaced");
      await waitFor(`run ${name} to be cancelled`, async () =>
        (await runs()).some((run) => run.metadata.name === name && run.status.phase === "Cancelled"),
      );
    }
    await waitFor("one run to be left", async () => (await runs()).map((run) => run.metadata.name).join() === "three");
    await waitFor("the trail to have all", async () => {
      const ended = (await chain(metadata.uid)).filter(({ kind }) => kind === "RunCancelled");
      return ended.map(({ subject }) => subject).join() === "Retraining/one,Retraining/two,Retraining/three";
    });
    expect((await versions()).map(({ spec }) => spec.uri)).toEqual([models.first]);
  });

  /** The API server has no segment of the namespace's trails written, until it is told to have them again. */
  const refuseSegments = async (uid: string): Promise<() => Promise<void>> => {
    const admission = "/apis/admissionregistration.k8s.io/v1";
    const name = `no-trail-${namespace}`;
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] };
    await api.create(`${admission}/validatingadmissionpolicies`, {
      metadata: { name },
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          resourceRules: [rule],
        },
        validations: [{ expression: "!object.metadata.name.startsWith('evenkeel-audit-')", message: "no room" }],
      },
    });
    await api.create(`${admission}/validatingadmissionpolicybindings`, {
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"] },
    });
    const segment = `${paths(namespace).configMaps}/evenkeel-audit-${uid}-0`;
    await waitFor("segments to be refused", async () => {
      const annotations = { "test/touched": new Date().toISOString() };
      return api.patch(segment, { metadata: { annotations } }).then(
        () => false,
        (error: unknown) => String(error).includes("no room"),
      );
    });
    return async () => {
      await api.delete(`${admission}/validatingadmissionpolicybindings/${name}`);
      await api.delete(`${admission}/validatingadmissionpolicies/${name}`);
    };
  };

  /** A rollout that holds; from `strike` on the service is attacked, and half of the candidate's answers are errors. */
  const holdingUntilStruck = async () => {
    let struck = false;
    prometheus.script = (query) => {
      if (query.includes("evenkeel_monitor")) return drifted(query);
      return [{ value: query === "attacks" ? Number(struck) : struck ? 0.5 : 0 }];
    };
    const attack = { name: "attack", promql: "attacks", above: 0.5, then: "Protect" };
    const { triggers } = service(namespace, prometheus.url).spec;
    await begin({ spec: { rollout: half, triggers: [...triggers, attack] } });
    await holding();
    return () => {
      struck = true;
    };
  };

  it("a trail that cannot be written holds back no protection and no rollback, and loses nothing of them", async () => {
    const strike = await holdingUntilStruck();
    const { metadata } = await waitFor("the trail to be up to date", async () => {
      const now = await shop();
      return now.status.audit.pending.length === 0 && now;
    });
    const allow = await refuseSegments(metadata.uid);
    try {
      await byHand("one", "replaced");
      await waitFor("the trail to be missed", async () =>
        (await shop()).status.conditions.some(
          ({ reason, status }) => reason === "AuditNotWritten" && status === "True",
        ),
      );
      await until("the rollout to be held", rollouts, ({ status }) =>
        status.conditions.some(({ type, reason }) => type === "Progressing" && reason === "AuditNotWritten"),
      );
      strike();
      const told = async () => {
        const { data } = await api.get<ConfigMap>(`${paths(namespace).configMaps}/shop-gateway`);
        return gatewayConfig.parse(JSON.parse(data?.["gateway.json"] ?? "null"));
      };
      await waitFor("the gateways to protect", async () => (await told()).protection.active);
      await waitFor("the gateways to leave the candidate", async () => (await told()).routing.candidate === null);
      const back = await until("the rollout to be over", rollouts, ({ status }) => status.phase === "RolledBack");
      expect(back.status.reason).toBe("AnalysisFailed");
      expect((await shop()).status.holding?.reason).toBe("AuditNotWritten");
    } finally {
      await allow();
    }
    const { seq, head } = await waitFor("the trail to have caught up", async () => {
      const { audit, conditions } = (await shop()).status;
      const waiting = (await rollouts()).flatMap(({ status }) => status.decisions);
      const stuck = conditions.some(({ reason }) => reason === "AuditNotWritten");
      return !stuck && audit.pending.length === 0 && waiting.length === 0 && audit;
    });
    const entries = await chain(metadata.uid);
    expect(verifyChain(entries, { seq, head })).toMatchObject({ kind: "Whole" });
    const kinds = entries.map(({ kind }) => kind);
    for (const kind of ["RunCancelled", "ProtectionStarted", "RollbackStarted", "RolledBack"]) {
      expect(kinds.filter((each) => each === kind)).toEqual([kind]);
    }
  });

  it("a webhook on Deployments that is down holds back no protection and no rollback", async () => {
    const strike = await holdingUntilStruck();
    const webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    await api.create(webhooks, {
      metadata: { name: namespace },
      webhooks: [
        {
          name: "down.example.com",
          // Nobody listens there.
          clientConfig: { url: "https://127.0.0.1:9/" },
          rules: [
            { apiGroups: ["apps"], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["deployments"] },
          ],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          failurePolicy: "Fail",
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    });
    try {
      const touch = { metadata: { annotations: { "test/touched": "yes" } } };
      await waitFor("the webhook to be asked", async () =>
        api.patch(`${paths(namespace).workload}?dryRun=All`, touch).then(
          () => false,
          (error: unknown) => String(error).includes("down.example.com"),
        ),
      );
      // A status is no matter of the webhook's: the workload's version changes, and who owns its field is asked anew.
      await api.patchStatus(paths(namespace).workload, touch);
      await waitFor("the ownership to be unknown", async () =>
        (await shop()).status.conditions.some(({ type, status }) => type === "Promotable" && status === "Unknown"),
      );
      strike();
      await until("the rollout to be over", rollouts, ({ status }) => status.phase === "RolledBack");
      const { data } = await api.get<ConfigMap>(`${paths(namespace).configMaps}/shop-gateway`);
      const told = gatewayConfig.parse(JSON.parse(data?.["gateway.json"] ?? "null"));
      expect(told.routing.candidate).toBeNull();
      await waitFor("the service to protect", async () => (await shop()).status.protection?.active);
    } finally {
      await api.delete(`${webhooks}/${namespace}`);
    }
  });

  it("a trail that cannot be written is said, nothing is trained or adopted meanwhile, and it goes on whole", async () => {
    await begin({ spec: { triggers: drift("quiet") } });
    const { metadata } = await waitFor("the first version", async () => {
      const now = await shop();
      return now.status.activeVersion !== undefined && now.status.audit.pending.length === 0 && now;
    });
    const path = `${paths(namespace).configMaps}/evenkeel-audit-${metadata.uid}-0`;
    await api.patch(path, { immutable: true });
    await byHand("one", "replaced");
    const stalled = await waitFor("the trail to be missed", async () => {
      const { status } = await shop();
      const [said] = status.conditions.filter(({ type, status: holds }) => type === "Stalled" && holds === "True");
      return said?.reason === "AuditNotWritten" && status;
    });
    expect(stalled.phase).toBe("Stalled");
    expect(stalled.audit.pending.map(({ kind }) => kind)).toEqual(["RunCancelled"]);
    // It would be adopted, were anything decided.
    const mine = `store://models/mine@${digestOf("mine")}`;
    const container = { name: "main", image: "embedder", env: [{ name: "MODEL_URI", value: mine }] };
    await api.patch(paths(namespace).workload, { spec: { template: { spec: { containers: [container] } } } });
    const lookedAt = async () => (await (await fetch(`${operator.url}/metrics`)).text()).match(reconciled)?.[1];
    const reconciled = /evenkeel_operator_reconciles_total\{kind="EmbeddingService",outcome="Stalled"\} (\d+)/;
    const before = Number(await lookedAt());
    await waitFor("the operator to have looked again", async () => Number(await lookedAt()) > before);
    expect((await shop()).status.activeVersion?.uri).toBe(models.first);

    // No segment may be missed while it is put right, or the operator begins it anew.
    operator.signal("SIGSTOP");
    const { data, metadata: segment } = await api.get<ConfigMap>(path);
    await api.delete(path);
    await api.create(paths(namespace).configMaps, { metadata: { name: segment.name, labels: segment.labels }, data });
    operator.signal("SIGCONT");
    const { status } = await waitFor("their model to be adopted", async () => {
      const now = await shop();
      return now.status.activeVersion?.uri === mine && now.status.audit.pending.length === 0 && now;
    });
    expect(status.conditions.map(({ reason }) => reason)).not.toContain("AuditNotWritten");
    const { seq, head } = status.audit;
    expect(verifyChain(await chain(metadata.uid), { seq, head })).toMatchObject({ kind: "Whole" });
  });

  it("a run made by hand waits until the service names it", async () => {
    await begin({ spec: { triggers: drift("quiet") } });
    await waitFor("the first version", async () => (await shop()).status.activeVersion !== undefined);
    await api.patch(paths(namespace).service, { spec: { retraining: { suspended: true } } });
    await waitFor("the suspension to be seen", async () => (await shop()).status.holding?.reason === "Suspended");
    await byHand("by-hand", "first");
    await waitFor("the operator to have looked", async () => (await runs())[0]?.status.observedGeneration === 1);
    expect((await runs())[0]?.status.phase).toBe("Pending");
    await api.patch(paths(namespace).service, { spec: { retraining: { suspended: false } } });
    await until("the run to be published", runs, ({ status }) => status.phase === "Published");
  });

  it("pods that do not run are named, with the reason", async () => {
    await begin({ work: stayed, ready: ({ metadata }) => metadata.labels?.["app"] === "embedder" });
    const unplaced = / is Pending: Unschedulable: no nodes available/;
    const said = await until("the run to say it", runs, ({ status }) =>
      status.conditions.some(({ type, message }) => type === "Complete" && unplaced.test(message)),
    );
    expect(said.status.phase).toBe("Training");
    const { conditions } = await waitFor("the service to say it", async () => {
      const { status } = await shop();
      return status.conditions.some(({ type, message }) => type === "GatewayReady" && unplaced.test(message)) && status;
    });
    expect(conditions.find(({ type }) => type === "StoreReady")).toMatchObject({ status: "True", reason: "Bound" });
  });

  it("a claim without a volume keeps training waiting, and nothing else", async () => {
    const claim = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
    pods.serve(namespace, worker());
    await install(api, namespace);
    await api.delete(`${claim}/store`);
    await waitFor("the bound claim to be gone", async () => (await api.find(`${claim}/store`)) === null);
    await api.create(claim, {
      metadata: { name: "store" },
      spec: { accessModes: ["ReadWriteMany"], storageClassName: "", resources: { requests: { storage: "1Gi" } } },
    });
    await operator.start();
    await api.create(paths(namespace).kind("embeddingservices"), service(namespace, prometheus.url));
    await waitFor("training to wait, and gateways to serve", async () => {
      const { holding, conditions } = (await shop()).status;
      const serves = conditions.some(({ type, status }) => type === "GatewayReady" && status === "True");
      return holding?.reason === "StoreUnbound" && serves;
    });
    expect(await runs()).toEqual([]);
  });

  it("a claim of traffic's own that is missing is said; once it is there, gateways write to it and Jobs read it", async () => {
    const traffic = { capture: "On", store: { claimName: "clients" } };
    await begin({ spec: { dataset: { ...datasets, traffic } } });
    await waitFor("the claim to be missed", async () => {
      const { conditions } = (await shop()).status;
      return conditions.some(({ reason, message }) => reason === "StoreMissing" && message.includes("clients"));
    });
    await provide(api, namespace, "clients");
    const [job] = await waitFor("a Job", async () => {
      const found = await jobs();
      return found.length > 0 && found;
    });
    const gateway = await api.get<Deployment>(`${paths(namespace).deployments}/shop-gateway`);
    for (const [owner, readOnly] of [
      [job, true],
      [gateway, undefined],
    ] as const) {
      const pod = owner?.spec?.template.spec;
      const volume = pod?.volumes?.find(({ persistentVolumeClaim: claim }) => claim?.claimName === "clients");
      const mounts = pod?.containers[0]?.volumeMounts?.filter(({ name }) => name === volume?.name);
      expect(mounts?.map(({ subPath, readOnly: read }) => [subPath, read])).toEqual([
        [`traffic/${namespace}/shop`, readOnly],
      ]);
    }
  });

  it.each([
    ["WorkloadMissing", async () => api.delete(paths(namespace).workload)],
    ["StoreMissing", async () => api.delete(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/store`)],
    ["ThreatModelMissing", async () => api.delete(`${paths(namespace).kind("threatmodels")}/images`)],
  ])("what is missing is said: %s", async (reason, remove) => {
    await begin({ spec: { triggers: drift("quiet") } });
    await waitFor("the first version", async () => (await shop()).status.activeVersion !== undefined);
    await remove();
    const stalled = await waitFor(reason, async () => {
      const { conditions, phase } = (await shop()).status;
      return (
        conditions.some((one) => one.type === "Stalled" && one.status === "True" && one.reason === reason) && phase
      );
    });
    expect(stalled).toBe("Stalled");
  });

  it("a Prometheus that is not on the allow-list is never asked", async () => {
    let asked = 0;
    const other = await startScriptedPrometheus(() => {
      asked += 1;
      return [];
    });
    await begin({ spec: { monitoring: { block: "2s", prometheus: { url: other.url } } } });
    await waitFor("it to be said", async () =>
      (await shop()).status.conditions.some(
        ({ type, reason }) => type === "SignalsAvailable" && reason === "PrometheusNotAllowed",
      ),
    );
    const { signals } = (await shop()).status;
    expect(new Set(signals.map(({ reason }) => reason))).toEqual(new Set(["PrometheusNotAllowed"]));
    expect(asked).toBe(0);
    await other.stop();
  });

  it("protection begins and ends by itself, whatever holds retraining back", async () => {
    let attacked = true;
    prometheus.script = () => alarmSeries(attacked ? 1 : 0);
    await begin({
      spec: {
        gateway: { replicas: 1, protection: { mode: "Block", releaseAfter: "1s" } },
        triggers: [{ name: "attack", signal: "AdversarialAnomaly", then: "ProtectAndRetrain" }],
        retraining: { threatModelRef: { name: "images" }, suspended: true },
      },
    });
    const active = async () => {
      const config = await api.find<ConfigMap>(`${paths(namespace).configMaps}/shop-gateway`);
      return gatewayConfig.safeParse(JSON.parse(config?.data?.["gateway.json"] ?? "null")).data?.protection;
    };
    await waitFor("protection to be on", async () => (await active())?.active === true);
    expect((await active())?.mode).toBe("Block");
    attacked = false;
    await waitFor("protection to be off", async () => (await active())?.active === false);
    expect(await runs()).toEqual([]);
  });
});
