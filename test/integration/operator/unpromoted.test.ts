import { describe, expect, it } from "vitest";
import type { DocumentCount, GatewayReport } from "../../../src/api/index.ts";
import type { ConfigMap, Deployment, Pod } from "../../../src/kube/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { useLoop } from "./loop.ts";
import { digestOf, drifted, models, passingRow, paths, rolloutPolicy, worker } from "./shop.ts";

const loop = useLoop();
const { api, begin, chain, rollouts, runs, served, shop, until, versions, workload } = loop;

const reportsPath = () => `${paths(loop.namespace).configMaps}/shop-gateway-reports`;
const gatewayReports = async () => (await api.get<ConfigMap>(reportsPath())).data ?? {};

/** What a gateway leaves that ended a while ago. */
async function leaveReport(name: string, version: DocumentCount): Promise<void> {
  const long = new Date(Date.now() - 120_000).toISOString();
  const documents = { since: long, versions: [version] };
  const report = { generation: 1, ready: false, pods: {}, documents, at: long } satisfies GatewayReport;
  await api.patch(reportsPath(), { data: { [name]: JSON.stringify(report) } });
}

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
    const { items } = await api.get<{ items: Pod[] }>(
      `${paths(loop.namespace).pods}?labelSelector=evenkeel.dev/role=train`,
    );
    expect(items).toHaveLength(1);
  });

  it("is a live defect: the analysis rolls back, and the workload was never touched", async () => {
    await begin();
    loop.prometheus.script = (query) =>
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
      async () => (await api.get<{ items: Deployment[] }>(paths(loop.namespace).deployments)).items.length === 2,
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
        `${paths(loop.namespace).deployments}?labelSelector=evenkeel.dev/version`,
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
    loop.prometheus.script = (query) => (query.includes("evenkeel_monitor") ? drifted(query) : [{ value: 0.5 }]);
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
    await api.patch(`${paths(loop.namespace).kind("modelrollouts")}/${waiting.metadata.name}`, {
      spec: { approvals: [{ by: "ada", at: new Date().toISOString() }] },
    });
    await until("the rollout to be promoted", rollouts, ({ status }) => status.phase === "Promoted");
    await waitFor(
      "the approved version to be the baseline",
      async () => (await shop()).status.baselineVersion?.uri === models.second,
    );
  });
});
