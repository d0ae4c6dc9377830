import { describe, expect, it } from "vitest";
import type { ModelRollout } from "../../../src/api/index.ts";
import { verifyChain } from "../../../src/audit/index.ts";
import type { Deployment, Service } from "../../../src/kube/index.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { waitFor } from "../../harness/wait.ts";
import { useLoop } from "./loop.ts";
import { drift, half, models, paths, service, stayed } from "./shop.ts";

const loop = useLoop();
const { api, begin, byHand, chain, jobs, rollouts, runs, served, shop, until, versions } = loop;

describe("what is deleted meanwhile", () => {
  it("a Job deleted by hand cancels its run, and there is no second one", async () => {
    await begin({ work: stayed });
    const [job] = await waitFor("the Job", async () => {
      const found = await jobs();
      return found.length > 0 && found;
    });
    expect(job?.metadata.finalizers).toEqual(["evenkeel.dev/result"]);
    expect(job?.spec?.ttlSecondsAfterFinished).toBeUndefined();
    await api.delete(`${paths(loop.namespace).jobs}/${job?.metadata.name}`, { propagationPolicy: "Background" });
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
    await api.delete(paths(loop.namespace).service);
    await waitFor("the service to be gone", async () => (await api.find(paths(loop.namespace).service)) === null);
    const left = await api.get<Service>(`/api/v1/namespaces/${loop.namespace}/services/shop-gateway`);
    expect(left.spec?.selector).toEqual({ app: "embedder" });
    expect(left.metadata.ownerReferences).toBeUndefined();
    expect(await served()).toBe(models.first);
    await waitFor("runs and Jobs to be gone", async () => (await runs()).length === 0 && (await jobs()).length === 0);
    await waitFor(
      "gateways to be gone",
      async () => (await api.find(`${paths(loop.namespace).deployments}/shop-gateway`)) === null,
    );
    const entries = await chain(metadata.uid);
    expect(verifyChain(entries).kind).toBe("Whole");
    expect(entries.at(-1)?.kind).toBe("ServiceReleased");
  });

  it("a service that is made anew takes back the Service that it left to clients", async () => {
    const gateway = `/api/v1/namespaces/${loop.namespace}/services/shop-gateway`;
    await begin({ spec: { triggers: [] } });
    const before = await waitFor("the gateway", () => api.find<Service>(gateway));
    await api.delete(paths(loop.namespace).service);
    await waitFor("the service to be gone", async () => (await api.find(paths(loop.namespace).service)) === null);
    await api.create(
      paths(loop.namespace).kind("embeddingservices"),
      service(loop.namespace, loop.prometheus.url, { triggers: [] }),
    );
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
        `/apis/events.k8s.io/v1/namespaces/${loop.namespace}/events`,
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
      await api.delete(paths(loop.namespace).service);
      await waitFor("the service to be gone", async () => (await api.find(paths(loop.namespace).service)) === null);
      const left = await api.get<Service>(`/api/v1/namespaces/${loop.namespace}/services/shop-gateway`);
      expect(left.spec?.selector).toEqual({ app: "embedder" });
      await waitFor("the candidate and its rollout to be gone", async () => {
        const { items } = await api.get<{ items: Deployment[] }>(paths(loop.namespace).deployments);
        return items.every(({ metadata }) => metadata.name === "embedder") && (await rollouts()).length === 0;
      });
      expect(await served()).toBe(model);
    },
  );

  it("a namespace deleted mid-run goes, with everything that holds a finalizer", async () => {
    await begin({ work: stayed });
    await waitFor("the Job", async () => (await jobs()).length > 0);
    await api.delete(`/api/v1/namespaces/${loop.namespace}`);
    const gone = waitFor(
      "the namespace to be gone",
      async () => (await api.find(`/api/v1/namespaces/${loop.namespace}`)) === null,
    );
    await expect(gone).resolves.toBe(true);
    loop.namespace = await makeNamespace(api, "loop");
  });

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
});
