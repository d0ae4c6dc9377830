import { describe, expect, it } from "vitest";
import { gatewayConfig } from "../../../src/api/index.ts";
import { verifyChain } from "../../../src/audit/index.ts";
import type { ConfigMap, Deployment } from "../../../src/kube/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { useLoop } from "./loop.ts";
import { alarmSeries } from "./scripted-prometheus.ts";
import { candidateName, deploy, drifted, models, paths, rolloutPolicy, worker } from "./shop.ts";

const loop = useLoop();
const { api, begin, chain, jobs, rollouts, runs, served, shop, until, versions, workload } = loop;

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

    const deployments = await api.get<{ items: Deployment[] }>(paths(loop.namespace).deployments);
    await waitFor("pools to be gone", async () => {
      const { items } = await api.get<{ items: Deployment[] }>(paths(loop.namespace).deployments);
      return items.length === 2;
    });
    expect(deployments.items.map(({ metadata: { name } }) => name)).toContain("shop-gateway");
    const config = await api.get<ConfigMap>(`${paths(loop.namespace).configMaps}/shop-gateway`);
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

    const metrics = await (await fetch(`${loop.operator.url}/metrics`)).text();
    expect(metrics).toContain(
      `evenkeel_audit_sequence{namespace="${loop.namespace}",service="shop",uid="${metadata.uid}"} ${status.audit.seq}`,
    );
    expect(metrics).toContain(
      `evenkeel_audit_head_info{namespace="${loop.namespace}",service="shop",head="${status.audit.head}"} 1`,
    );
    expect((await fetch(`${loop.operator.url}/readyz`)).status).toBe(200);
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
      api.find<Deployment>(`${paths(loop.namespace).deployments}/${candidateName}`),
    );
    expect(modelsOf(candidate)).toEqual(fetching(models.second));
    await until("the rollout to watch", rollouts, ({ status }) => status.phase === "Watching");
    expect(modelsOf(await workload())).toEqual(fetching(models.second));
    loop.prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
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
    loop.pods.serve(loop.namespace, worker());
    await waitFor("the first version", async () => (await shop()).status.baselineVersion?.uri === models.first);
  });
});

describe("a field that loses its value after a promotion", () => {
  it.each<[string, () => Promise<unknown>]>([
    [
      "with the Deployment",
      async () => {
        await api.delete(paths(loop.namespace).workload);
        await deploy(api, loop.namespace);
      },
    ],
    [
      "by hand",
      () =>
        api.patch(paths(loop.namespace).workload, {
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

it("protection begins and ends by itself, whatever holds retraining back", async () => {
  let attacked = true;
  loop.prometheus.script = () => alarmSeries(attacked ? 1 : 0);
  await begin({
    spec: {
      gateway: { replicas: 1, protection: { mode: "Block", releaseAfter: "1s" } },
      triggers: [{ name: "attack", signal: "AdversarialAnomaly", then: "ProtectAndRetrain" }],
      retraining: { threatModelRef: { name: "images" }, suspended: true },
    },
  });
  const active = async () => {
    const config = await api.find<ConfigMap>(`${paths(loop.namespace).configMaps}/shop-gateway`);
    return gatewayConfig.safeParse(JSON.parse(config?.data?.["gateway.json"] ?? "null")).data?.protection;
  };
  await waitFor("protection to be on", async () => (await active())?.active === true);
  expect((await active())?.mode).toBe("Block");
  attacked = false;
  await waitFor("protection to be off", async () => (await active())?.active === false);
  expect(await runs()).toEqual([]);
});
