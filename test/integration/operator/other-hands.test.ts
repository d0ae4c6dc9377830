import { describe, expect, it } from "vitest";
import { type EmbeddingService, embeddingService, gatewayConfig, type ModelRollout } from "../../../src/api/index.ts";
import type { ConfigMap, Deployment, Service } from "../../../src/kube/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { useLoop } from "./loop.ts";
import {
  candidateName,
  digestOf,
  drift,
  drifted,
  half,
  models,
  paths,
  rolloutPolicy,
  service,
  worker,
} from "./shop.ts";

const loop = useLoop();
const { api, begin, byHand, holding, rollouts, runs, served, shop, until, workload } = loop;

describe("what others do meanwhile", () => {
  it("a field that somebody else sets mid-rollout stands: the rollout goes back and does not fight", async () => {
    await begin({ spec: { rollout: half } });
    await holding();
    const mine = `store://models/mine@${digestOf("mine")}`;
    const container = { name: "main", env: [{ name: "MODEL_URI", value: mine }] };
    await api.apply(
      paths(loop.namespace).workload,
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
        paths(loop.namespace).workload,
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "embedder" },
          spec: { template: { spec: { containers: [{ name: "main", ...container }] } } },
        },
        "argocd",
      );
    await apply({ env: [{ name: "MODEL_URI", value: models.second }] });
    loop.prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
    const { status } = await until("the rollout to stall", rollouts, ({ status: { conditions } }) =>
      conditions.some(({ type, status: holds }) => type === "Stalled" && holds === "True"),
    );
    expect(status).toMatchObject({ phase: "RollingBack", reason: "AnalysisFailed" });
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
      reason: "FieldContested",
      message: expect.stringContaining("owned by argocd"),
    });
    await waitFor("kept pods to answer", async () => {
      const { data } = await api.get<ConfigMap>(`${paths(loop.namespace).configMaps}/shop-gateway`);
      const { candidate } = gatewayConfig.parse(JSON.parse(data?.["gateway.json"] ?? "")).routing;
      return candidate?.uri === models.first && candidate.weight === 100;
    });
    expect(await served()).toBe(models.second);
    return apply;
  };
  const poolsReady = async () => {
    const pools = `${paths(loop.namespace).deployments}?labelSelector=evenkeel.dev/version`;
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
    const policy = `keep-${loop.namespace}`;
    const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    const bindings = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
    const approval = "Manual";
    await begin({ spec: { rollout: { ...rolloutPolicy, approval, watchAfter: "60s", keepPrevious: "60s" } } });
    const waiting = await until("the rollout to wait", rollouts, ({ status }) => status.phase === "Paused");
    await api.create(policies, {
      metadata: { name: policy },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": loop.namespace } },
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
        api.delete(paths(loop.namespace).workload, { dryRun: ["All"] }).then(
          () => false,
          (error: Error) => error.message.includes("Deployments stay"),
        ),
      );
      await api.patch(`${paths(loop.namespace).kind("modelrollouts")}/${waiting.metadata.name}`, {
        spec: { approvals: [{ by: "ada", at: new Date().toISOString() }] },
      });
      const refused = (rollout: ModelRollout) =>
        rollout.status.conditions.some(({ type, reason }) => type === "Stalled" && reason === "Refused");
      const watching = await until("the candidate's pods to stay", rollouts, refused);
      expect(watching.status.phase).toBe("Watching");
      loop.prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
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
      const catchers = `${group}/namespaces/${loop.namespace}/${plural}`;
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
    await api.patch(paths(loop.namespace).workload, {
      spec: { template: { metadata: { annotations: { edited: "yes" } } } },
    });
    await waitFor("the candidate to have it", async () => {
      const { items } = await api.get<{ items: Deployment[] }>(
        `${paths(loop.namespace).deployments}?labelSelector=evenkeel.dev/version`,
      );
      return items[0]?.spec?.template.metadata?.annotations?.["edited"] === "yes";
    });
    expect((await rollouts()).find((one) => one.metadata.name === metadata.name)?.status.phase).toBe("Progressing");
  });

  it("a name that a stranger has is said, and not taken", async () => {
    await api.create(`/api/v1/namespaces/${loop.namespace}/services`, {
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
    const { spec } = await api.get<Service>(`/api/v1/namespaces/${loop.namespace}/services/shop-gateway`);
    expect(spec?.selector).toBeUndefined();
  });

  it("a workload that another service has is said, not touched, and taken over once that has gone", async () => {
    await begin({ spec: { triggers: [] } });
    await waitFor("the first version", async () => (await shop()).status.activeVersion?.uri === models.first);
    const { metadata } = await workload();
    const second = `${paths(loop.namespace).kind("embeddingservices")}/shop-two`;
    const wanted = service(loop.namespace, loop.prometheus.url, { triggers: [] });
    await api.create(paths(loop.namespace).kind("embeddingservices"), {
      ...wanted,
      metadata: { name: "shop-two", namespace: loop.namespace },
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
    expect(await api.find(`${paths(loop.namespace).configMaps}/shop-two-gateway`)).toBeNull();
    expect((await workload()).metadata.generation).toBe(metadata.generation);
    expect((await shop()).status.phase).not.toBe("Stalled");
    await api.delete(paths(loop.namespace).service);
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
    await api.patch(paths(loop.namespace).service, { spec: changed });
    trained = true;
    loop.pods.serve(loop.namespace, worker());
    await holding();
    expect((await runs())[0]?.spec.trainer.maxSteps).toBe(2000);
    loop.prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
    await until(
      "the rollout to be rolled back",
      rollouts,
      ({ status }) => status.reason === "AnalysisFailed" && status.phase === "RolledBack",
    );
    expect((await shop()).status.holding?.reason).toBe("Suspended");
  });

  it("a run made by hand waits until the service names it", async () => {
    await begin({ spec: { triggers: drift("quiet") } });
    await waitFor("the first version", async () => (await shop()).status.activeVersion !== undefined);
    await api.patch(paths(loop.namespace).service, { spec: { retraining: { suspended: true } } });
    await waitFor("the suspension to be seen", async () => (await shop()).status.holding?.reason === "Suspended");
    await byHand("by-hand", "first");
    await waitFor("the operator to have looked", async () => (await runs())[0]?.status.observedGeneration === 1);
    expect((await runs())[0]?.status.phase).toBe("Pending");
    await api.patch(paths(loop.namespace).service, { spec: { retraining: { suspended: false } } });
    await until("the run to be published", runs, ({ status }) => status.phase === "Published");
  });
});
