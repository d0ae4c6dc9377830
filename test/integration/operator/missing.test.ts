import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Deployment } from "../../../src/kube/index.ts";
import { installCrds } from "../../harness/crds.ts";
import { waitFor } from "../../harness/wait.ts";
import { useLoop } from "./loop.ts";
import { startScriptedPrometheus } from "./scripted-prometheus.ts";
import { datasets, drift, install, paths, provide, service, stayed, worker } from "./shop.ts";

const loop = useLoop();
const { api, begin, chain, jobs, runs, shop, until } = loop;

describe("what is down or missing meanwhile", () => {
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
    loop.operator.signal("SIGTERM");
    await waitFor("the operator to have ended", () => loop.operator.ended);
    const path = `${paths(loop.namespace).kind("retrainings")}/${metadata.name}`;
    const crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/retrainings.evenkeel.dev";
    try {
      // The cluster's, and only added to: other files' tests are served as before. A file that begins meanwhile installs
      // the CRDs as they are, so that it is put with each try.
      await waitFor("the newer CRD to be in force", async () => {
        const text = JSON.stringify(await api.get(crd)).replaceAll(
          '"enum":["Pending","Training",',
          '"enum":["Queued","Pending","Training",',
        );
        await api.replace(crd, JSON.parse(text));
        return api.patch(`${path}/status`, { status: { phase: "Queued" } });
      });
      await loop.operator.start();
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
        (await readFile(loop.operator.log, "utf8"))
          .split("\n")
          .filter((line) => line.includes(`Retraining ${loop.namespace}/`)),
      ).toHaveLength(1);
      await api.patch(`${path}/status`, { status: { phase: "Training" } });
      trained = true;
      loop.pods.serve(loop.namespace, worker());
      await until("the run to be published", runs, ({ status: { phase } }) => phase === "Published");
      const kinds = (await chain(owner.uid)).map(({ kind }) => kind);
      expect(kinds).not.toContain("RunDeleted");
      expect(kinds.filter((kind) => kind === "TrainingStarted")).toHaveLength(1);
    } finally {
      await installCrds(api);
    }
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
    const claim = `/api/v1/namespaces/${loop.namespace}/persistentvolumeclaims`;
    loop.pods.serve(loop.namespace, worker());
    await install(api, loop.namespace);
    await api.delete(`${claim}/store`);
    await waitFor("the bound claim to be gone", async () => (await api.find(`${claim}/store`)) === null);
    await api.create(claim, {
      metadata: { name: "store" },
      spec: { accessModes: ["ReadWriteMany"], storageClassName: "", resources: { requests: { storage: "1Gi" } } },
    });
    await loop.operator.start();
    await api.create(paths(loop.namespace).kind("embeddingservices"), service(loop.namespace, loop.prometheus.url));
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
    await provide(api, loop.namespace, "clients");
    const [job] = await waitFor("a Job", async () => {
      const found = await jobs();
      return found.length > 0 && found;
    });
    const gateway = await api.get<Deployment>(`${paths(loop.namespace).deployments}/shop-gateway`);
    for (const [owner, readOnly] of [
      [job, true],
      [gateway, undefined],
    ] as const) {
      const pod = owner?.spec?.template.spec;
      const volume = pod?.volumes?.find(({ persistentVolumeClaim: claim }) => claim?.claimName === "clients");
      const mounts = pod?.containers[0]?.volumeMounts?.filter(({ name }) => name === volume?.name);
      expect(mounts?.map(({ subPath, readOnly: read }) => [subPath, read])).toEqual([
        [`traffic/${loop.namespace}/shop`, readOnly],
      ]);
    }
  });

  it.each([
    ["WorkloadMissing", async () => api.delete(paths(loop.namespace).workload)],
    ["StoreMissing", async () => api.delete(`/api/v1/namespaces/${loop.namespace}/persistentvolumeclaims/store`)],
    ["ThreatModelMissing", async () => api.delete(`${paths(loop.namespace).kind("threatmodels")}/images`)],
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
});
