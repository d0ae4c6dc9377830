import type { z } from "zod";
import type { embeddingServiceStatus, modelRolloutStatus, retrainingStatus } from "../../../src/api/index.ts";
import { canonical, genesis, link, toLines } from "../../../src/audit/index.ts";
import type { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { changed, collection, type Manifest, valid } from "../api/objects.ts";

const a = `sha256:${"a".repeat(64)}`;
const b = `sha256:${"b".repeat(64)}`;
const report = `store://reports/products@sha256:${"e".repeat(64)}`;

/** Facts of the story's audit, in their order. */
const facts = [
  { kind: "VersionAdopted", subject: "ModelVersion/products-aaaaaaaaaaaa", detail: { digest: a } },
  { kind: "CauseRecorded", subject: "Retraining/products-0123456789", detail: { trigger: "drift", value: 0.62 } },
  { kind: "GatePassed", subject: "Retraining/products-0123456789", detail: { gate: "clean", bound: 0.004 } },
  { kind: "RolloutAccepted", subject: "ModelRollout/products-bbbbbbbbbbbb-1", detail: { from: a, to: b } },
  { kind: "WeightChanged", subject: "ModelRollout/products-bbbbbbbbbbbb-1", detail: { weight: 25 } },
].map(({ kind, subject, detail }, index) => ({
  kind,
  subject,
  at: `2026-11-24T07:0${index}:00Z`,
  detail: canonical(detail),
}));

export const entries = link(genesis, facts);

export interface Story {
  readonly uid: string;
  readonly segment: string;
}

/**
 * Puts a service into a namespace that is in the middle of everything: drift was found, a run has passed its gates, its
 * rollout stands at 25 %.
 */
export async function tellStory(api: KubernetesApi, namespace: string): Promise<Story> {
  const now = Date.now();
  const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
  const newer = changed(
    valid.ModelVersion,
    ["metadata.name", "products-bbbbbbbbbbbb"],
    ["spec.digest", b],
    ["spec.uri", `store://models/products@${b}`],
    ["spec.retrainingRef", { name: "products-0123456789" }],
  );
  const make = async (object: Manifest) =>
    await api.create<{ metadata: { uid: string } }>(collection(namespace, object.kind), object);
  const { metadata } = await make(valid.EmbeddingService);
  for (const object of [valid.ThreatModel, valid.Retraining, valid.ModelVersion, newer, valid.ModelRollout]) {
    await make(object);
  }
  const say = async (object: Manifest, status: object) =>
    await api.patch(`${collection(namespace, object.kind)}/${object.metadata.name}/status`, { status });

  const last = entries.at(-1);
  const status: z.input<typeof embeddingServiceStatus> = {
    phase: "RollingOut",
    activeVersion: { name: "products-aaaaaaaaaaaa", digest: a, uri: `store://models/products@${a}` },
    signals: [
      {
        name: "drift",
        verdict: "Fail",
        value: 0.624,
        threshold: 0.31,
        since: ago(12),
        failingFor: 720,
        alarm: 1,
        evaluatedAt: ago(0),
        message: "e-value over the threshold",
      },
      {
        name: "attack",
        verdict: "Pass",
        value: 0.01,
        threshold: 0.1,
        since: ago(600),
        failingFor: 0,
        alarm: 0,
        message: "",
      },
      {
        name: "searches",
        verdict: "SourceError",
        value: null,
        threshold: 0.2,
        since: ago(3),
        failingFor: 0,
        alarm: 0,
        message: "Prometheus answered 500",
      },
    ],
    holding: { reason: "RolloutUnderWay", message: "products-bbbbbbbbbbbb-1 is under way" },
    retraining: { name: "products-0123456789", uid: "", phase: "Published" },
    rollout: {
      name: "products-bbbbbbbbbbbb-1",
      uid: "",
      phase: "Progressing",
      weight: 25,
      retraining: "",
      needsApproval: "",
    },
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "Serving",
        message: "",
        lastTransitionTime: ago(600),
      },
    ],
    audit: { seq: last?.seq ?? 0, head: last?.hash ?? "", segment: 0, pending: entries.slice(4), taken: [] },
  };
  await say(valid.EmbeddingService, status);

  const run: z.input<typeof retrainingStatus> = {
    phase: "Published",
    startedAt: ago(30),
    finishedAt: ago(18),
    report,
    modelVersion: "products-bbbbbbbbbbbb",
    reason: "GatesPassed",
    message: "all gates passed",
    overlap: 0,
    gates: [
      {
        name: "clean",
        value: 0.971,
        bound: -0.006,
        p: 0.001,
        n: 4000,
        needed: 3100,
        verdict: "Pass",
        message: "not worse by 0.02",
      },
      {
        name: "shifted",
        value: 0.93,
        bound: 0.041,
        p: 0.0004,
        n: 2000,
        needed: 900,
        verdict: "Pass",
        message: "better",
      },
      {
        name: "latency",
        value: 1.3,
        bound: 1.3,
        p: null,
        n: 500,
        needed: 100,
        verdict: "Warn",
        message: "slower than 1.2",
      },
    ],
    train: { name: "products-0123456789-train", uid: "u1", gpuSeconds: 700, outcome: "Succeeded", reemitted: false },
  };
  await say(valid.Retraining, run);

  await say(valid.ModelVersion, { phase: "Active", activatedAt: ago(600) });
  await say(newer, { phase: "Canary" });
  const rollout: z.input<typeof modelRolloutStatus> = {
    phase: "Progressing",
    step: 2,
    steps: 4,
    weight: 25,
    startedAt: ago(15),
    weights: [
      { weight: 0, mirror: true, at: ago(15), why: "first step" },
      { weight: 5, mirror: false, at: ago(10), why: "held 5m with every check passing" },
      { weight: 25, mirror: false, at: ago(4), why: "held 5m with every check passing" },
    ],
    analysis: [
      { name: "errors", verdict: "Pass", value: 0, limit: 0.01, samples: 812, failures: 0, message: "" },
      {
        name: "latency",
        verdict: "NoData",
        value: null,
        limit: 2,
        samples: 12,
        failures: 0,
        message: "12 of 50 requests",
      },
    ],
  };
  await say(valid.ModelRollout, rollout);

  const segment = `evenkeel-audit-${metadata.uid}-0`;
  await api.create(`/api/v1/namespaces/${namespace}/configmaps`, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: segment, labels: { "evenkeel.dev/audit": metadata.uid } },
    data: { "entries.jsonl": toLines(entries.slice(0, 4)) },
  });
  return { uid: metadata.uid, segment };
}
