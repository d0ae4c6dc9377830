import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { installCrds } from "../../harness/crds.ts";
import { ApiError, KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { type Change, changed, collection, type Manifest, type ValidName, valid } from "./objects.ts";

const api = new KubernetesApi(inject("cluster"));
let namespace = "";

beforeAll(async () => {
  await installCrds(api);
  namespace = await makeNamespace(api, "api-validation");
});
afterAll(() => api.close());

/** The server's answer to a dry run. */
async function answer(object: Manifest): Promise<string> {
  try {
    await api.create(`${collection(namespace, object.kind)}?dryRun=All&fieldValidation=Strict`, object);
    return "accepted";
  } catch (error) {
    if (error instanceof ApiError && (error.status === 422 || error.status === 400)) return error.message;
    throw error;
  }
}

const hour = { weight: 5, hold: "10m" };
const promote = { weight: 100 };
const pinned = `store://data/shop@sha256:${"1".repeat(64)}`;
const change = (path: string, value?: unknown): Change => [path, value];

/** Kind, what is wrong, the change that makes it so, and what the message must say. */
type Row = readonly [ValidName, string, readonly Change[], RegExp];
const refused: readonly Row[] = [
  ["EmbeddingService", "no workload", [change("spec.workloadRef")], /spec\.workloadRef: Required/],
  [
    "EmbeddingService",
    "a workload of another kind",
    [change("spec.workloadRef.kind", "StatefulSet")],
    /spec\.workloadRef\.kind: .*Deployment/,
  ],
  ["EmbeddingService", "a port out of range", [change("spec.port", 70_000)], /spec\.port: .*65535/],
  ["EmbeddingService", "an unknown protocol", [change("spec.protocol", "KServeV2")], /spec\.protocol: .*OpenAI/],
  ["EmbeddingService", "an unknown field", [change("spec.portt", 1)], /unknown field "spec\.portt"/],
  ["EmbeddingService", "a variable with a dash", [change("spec.model.env", "MODEL-URI")], /spec\.model\.env: /],
  [
    "EmbeddingService",
    "a model that is not pinned",
    [change("spec.model.initial", "store://models/products")],
    /spec\.model\.initial: /,
  ],
  [
    "EmbeddingService",
    "a dataset by tag",
    [change("spec.dataset.reference", "store://data/shop:latest")],
    /spec\.dataset\.reference: /,
  ],
  [
    "EmbeddingService",
    "an evaluation set that was trained on",
    [change("spec.dataset.reference", pinned), change("spec.dataset.evaluation", pinned)],
    /spec\.dataset\.evaluation: .*never trained on/,
  ],
  [
    "EmbeddingService",
    "no evaluation set for labelled gates",
    [change("spec.dataset.evaluation")],
    /spec\.dataset\.evaluation: Required value: dataset\.evaluation must be set/,
  ],
  ["EmbeddingService", "a block of no length", [change("spec.monitoring.block", "0s")], /spec\.monitoring\.block: /],
  [
    "EmbeddingService",
    "a duration of two units",
    [change("spec.monitoring.block", "1m30s")],
    /spec\.monitoring\.block: /,
  ],
  [
    "EmbeddingService",
    "a budget shorter than its blocks",
    [change("spec.monitoring.block", "1h"), change("spec.monitoring.falseAlarms.per", "1d")],
    /falseAlarms\.per: .*60 times block/,
  ],
  // And of the rules that compare durations not a word.
  ...(
    [
      ["spec.monitoring.falseAlarms.per", "banana"],
      ["spec.monitoring.block", "1"],
      ["spec.retraining.maxDuration", "s"],
    ] as const
  ).map(
    ([path, value]) =>
      [
        "EmbeddingService",
        `${path} ${value}`,
        [change(path, value)],
        new RegExp(`is invalid: ${path}: Invalid value: "${value}": ${path} in body should match '[^']*'$`),
      ] as const,
  ),
  [
    "EmbeddingService",
    "no false alarms at all",
    [change("spec.monitoring.falseAlarms.atMost", 0)],
    /falseAlarms\.atMost: /,
  ],
  [
    "EmbeddingService",
    "a squeezer of vectors for images",
    [change("spec.monitoring.consistency.squeezers", ["Quantise"])],
    /spec\.monitoring\.consistency\.squeezers: .*must fit modality/,
  ],
  [
    "VectorService",
    "squeezers of images for vectors",
    [change("spec.monitoring.consistency.squeezers", ["Median", "BoxBlur"])],
    /spec\.monitoring\.consistency\.squeezers: .*must fit modality/,
  ],
  [
    "EmbeddingService",
    "the same squeezer twice",
    [change("spec.monitoring.consistency.squeezers", ["Median", "Median"])],
    /squeezers\[1\]: Duplicate value/,
  ],
  [
    "EmbeddingService",
    "a Prometheus that is no URL",
    [change("spec.monitoring.prometheus.url", "prometheus:9090")],
    /prometheus\.url: /,
  ],
  [
    "EmbeddingService",
    "a password in the URL",
    [change("spec.monitoring.prometheus.url", "http://me:secret@prometheus:9090")],
    /prometheus\.url: /,
  ],
  [
    "EmbeddingService",
    "a CA for a plain URL",
    [change("spec.monitoring.prometheus.caSecretRef", { name: "ca", key: "ca.crt" })],
    /prometheus\.caSecretRef: .*https/,
  ],
  [
    "EmbeddingService",
    "a header that the connection needs",
    [change("spec.monitoring.prometheus.headers", [{ name: "Host", value: "other" }])],
    /prometheus\.headers\[0\]\.name: .*must not be a header of the connection/,
  ],
  [
    "EmbeddingService",
    "a header without a value",
    [change("spec.monitoring.prometheus.headers", [{ name: "X-Scope-OrgID" }])],
    /prometheus\.headers\[0\]: .*value or valueFromSecretRef must be set/,
  ],
  [
    "EmbeddingService",
    "a header twice",
    [
      change("spec.monitoring.prometheus.headers", [
        { name: "X-Scope-OrgID", value: "a" },
        { name: "x-scope-orgid", value: "b" },
      ]),
    ],
    /prometheus\.headers: .*must differ in more than the case/,
  ],
  [
    "EmbeddingService",
    "a header with a line break",
    [change("spec.monitoring.prometheus.headers", [{ name: "X-Scope-OrgID", value: "a\nb: c" }])],
    /prometheus\.headers\[0\]\.value: /,
  ],
  [
    "EmbeddingService",
    "capture that is kept for no time",
    [change("spec.dataset.traffic.ttl", "0d")],
    /traffic\.ttl: /,
  ],
  [
    "EmbeddingService",
    "a client header with a space",
    [change("spec.dataset.traffic.clientKey", "x client")],
    /traffic\.clientKey: /,
  ],
  [
    "EmbeddingService",
    "a route for documents that takes every request",
    [change("spec.gateway.routes", { documents: [{}] })],
    /spec\.gateway\.routes\.documents\[0\]: .*pathPrefix or header must be set/,
  ],
  [
    "EmbeddingService",
    "a route for documents that takes off the protocol's own path",
    [change("spec.gateway.routes", { documents: [{ pathPrefix: "/v1" }] })],
    /spec\.gateway\.routes\.documents\[0\]\.pathPrefix: .*must not be a beginning/,
  ],
  [
    "EmbeddingService",
    "a route for documents with a pattern",
    [change("spec.gateway.routes", { documents: [{ pathPrefix: "/documents/*" }] })],
    /spec\.gateway\.routes\.documents\[0\]\.pathPrefix: /,
  ],
  ["EmbeddingService", "no gateway", [change("spec.gateway.replicas", 0)], /spec\.gateway\.replicas: /],
  ["EmbeddingService", "TLS without a Secret", [change("spec.gateway.tls", {})], /gateway\.tls\.secretName: Required/],
  [
    "EmbeddingService",
    "a Secret of another namespace",
    [change("spec.gateway.tls", { secretName: "other/products-tls" })],
    /gateway\.tls\.secretName: .*should match/,
  ],
  [
    "EmbeddingService",
    "a learning rate of nothing",
    [change("spec.retraining.trainer.learningRate", 0)],
    /trainer\.learningRate: .*at least 1e-8/,
  ],
  [
    "EmbeddingService",
    "an unknown protection",
    [change("spec.gateway.protection.mode", "Smooth")],
    /protection\.mode: .*Block/,
  ],
  [
    "EmbeddingService",
    "a trigger of two kinds",
    [change("spec.triggers.0.schedule", "0 3 1 * *")],
    /spec\.triggers\[0\]\.signal: .*exactly one of signal, promql and schedule/,
  ],
  [
    "EmbeddingService",
    "a trigger of no kind",
    [change("spec.triggers.0.signal")],
    /spec\.triggers\[0\]\.signal: .*exactly one/,
  ],
  [
    "EmbeddingService",
    "an unknown signal",
    [change("spec.triggers.0.signal", "Hubness")],
    /spec\.triggers\[0\]\.signal: .*RepresentationDrift/,
  ],
  [
    "EmbeddingService",
    "a query without a threshold",
    [change("spec.triggers.2.above")],
    /spec\.triggers\[2\]\.above: .*promql needs above or below/,
  ],
  [
    "EmbeddingService",
    "a threshold for a built-in signal",
    [change("spec.triggers.0.above", 1)],
    /spec\.triggers\[0\]\.above: .*only for promql/,
  ],
  [
    "EmbeddingService",
    "a band that holds every value",
    [change("spec.triggers.2.below", 0.5)],
    /spec\.triggers\[2\]\.below: /,
  ],
  ...["0 3 15W * *", "0 3 LW * *", "0 3 L-2 * *", "0 3 * * 5L", "0 3 * * FRIL"].map(
    (schedule): Row => [
      "EmbeddingService",
      `the schedule ${schedule}, which would never be due`,
      [change("spec.triggers.3.schedule", schedule)],
      /spec\.triggers\[3\]\.schedule: /,
    ],
  ),
  [
    "EmbeddingService",
    "a schedule of four fields",
    [change("spec.triggers.3.schedule", "0 3 1 *")],
    /spec\.triggers\[3\]\.schedule: /,
  ],
  [
    "EmbeddingService",
    "a time zone without a schedule",
    [change("spec.triggers.0.timeZone", "Europe/Berlin")],
    /spec\.triggers\[0\]\.timeZone: .*only for schedule/,
  ],
  [
    "EmbeddingService",
    "protection by the calendar",
    [change("spec.triggers.3.then", "Protect")],
    /spec\.triggers\[3\]\.then: .*schedule/,
  ],
  [
    "EmbeddingService",
    "two triggers of one name",
    [change("spec.triggers.1.name", "drift")],
    /spec\.triggers\[1\]: Duplicate value/,
  ],
  [
    "EmbeddingService",
    "a trigger that retrains with no retraining",
    [change("spec.retraining")],
    /spec\.retraining: Required value: .*Retrain/,
  ],
  [
    "EmbeddingService",
    "no threat model",
    [change("spec.retraining.threatModelRef")],
    /spec\.retraining\.threatModelRef: Required/,
  ],
  [
    "EmbeddingService",
    "an engine that does not exist yet",
    [change("spec.retraining.placement.engine", "TrainJob")],
    /placement\.engine: .*Job/,
  ],
  [
    "EmbeddingService",
    "a quantity in words",
    [change("spec.retraining.placement.resources.requests.cpu", "four")],
    /resources\.requests\.cpu: /,
  ],
  [
    "EmbeddingService",
    "a command without an image",
    [change("spec.retraining.trainer.command", ["train"])],
    /trainer\.command: .*set image/,
  ],
  [
    "EmbeddingService",
    "an evaluation by an image that there is not",
    [change("spec.retraining.trainer.evaluation", "Image")],
    /trainer\.evaluation: .*set image/,
  ],
  [
    "EmbeddingService",
    "a budget that fits no run",
    [change("spec.retraining.gpuHours.atMost", 7.9)],
    /gpuHours\.atMost: .*room for one run/,
  ],
  [
    "EmbeddingService",
    "a preset whose vectors need a new index",
    [change("spec.retraining.trainer.preset", "Pretrain")],
    /trainer\.preset: .*Adapt/,
  ],
  [
    "EmbeddingService",
    "an index policy that does not exist yet",
    [change("spec.rollout.index", "ReindexFirst")],
    /rollout\.index: /,
  ],
  [
    "EmbeddingService",
    "a toleration of everything by value",
    [change("spec.retraining.placement.tolerations", [{ operator: "Equal", value: "x" }])],
    /tolerations\[0\]\.operator: /,
  ],
  [
    "EmbeddingService",
    "a shift that nothing keeps within",
    [change("spec.rollout.maxBaselineShift", -1)],
    /rollout\.maxBaselineShift: /,
  ],
  [
    "EmbeddingService",
    "steps that do not promote",
    [change("spec.rollout.steps", [hour])],
    /spec\.rollout\.steps: .*weight 100/,
  ],
  [
    "EmbeddingService",
    "weights that go down",
    [change("spec.rollout.steps", [{ weight: 50 }, hour, promote])],
    /spec\.rollout\.steps: .*ascending/,
  ],
  [
    "EmbeddingService",
    "a weight twice",
    [change("spec.rollout.steps", [hour, hour, promote])],
    /spec\.rollout\.steps: .*ascending/,
  ],
  [
    "EmbeddingService",
    "a mirror after a weight",
    [change("spec.rollout.steps", [hour, { mirror: "1m" }, promote])],
    /spec\.rollout\.steps: .*start with mirror/,
  ],
  [
    "EmbeddingService",
    "a step of two kinds",
    [change("spec.rollout.steps", [{ weight: 5, mirror: "1m" }, promote])],
    /steps\[0\]\.weight: .*exactly one of mirror and weight/,
  ],
  [
    "EmbeddingService",
    "a step of no kind",
    [change("spec.rollout.steps", [{}, promote])],
    /steps\[0\]\.weight: .*exactly one/,
  ],
  [
    "EmbeddingService",
    "a hold after the promotion",
    [change("spec.rollout.steps", [{ weight: 100, hold: "5m" }])],
    /steps\[0\]\.hold: .*watchAfter/,
  ],
  [
    "EmbeddingService",
    "a check with a query it cannot use",
    [change("spec.rollout.analysis", [{ name: "e", metric: "ErrorRate", above: 0.1, promql: "up" }])],
    /analysis\[0\]\.promql: /,
  ],
  [
    "EmbeddingService",
    "a check without a limit",
    [change("spec.rollout.analysis", [{ name: "q", metric: "PromQL", promql: "up" }])],
    /analysis\[0\]\.above: .*above and below/,
  ],
  [
    "EmbeddingService",
    "a minimum sample of a query of your own",
    [change("spec.rollout.analysis", [{ name: "q", metric: "PromQL", promql: "up", above: 1, minSample: 50 }])],
    /analysis\[0\]\.minSample: .*not counted/,
  ],
  [
    "EmbeddingService",
    "a check on the wrong side",
    [change("spec.rollout.analysis", [{ name: "o", metric: "MirrorOverlap", above: 0.9 }])],
    /analysis\[0\]\.below: /,
  ],
  [
    "EmbeddingService",
    "a name too long for its Jobs",
    [change("metadata.name", "p".repeat(44))],
    /metadata\.name must .* at most 43/,
  ],
  ["EmbeddingService", "a name that is no label", [change("metadata.name", "shop.products")], /metadata\.name must/],
  [
    "VectorService",
    "a limit for a comparison",
    [change("spec.gates.0.limit", 0.9)],
    /gates\[0\]\.limit: .*only for them/,
  ],
  [
    "VectorService",
    "no limit for a level",
    [change("spec.gates.2.limit"), change("spec.gates.2.warn")],
    /gates\[2\]\.limit: /,
  ],
  ["VectorService", "a warning past its limit", [change("spec.gates.2.warn", 0.5)], /gates\[2\]\.warn: .*passing side/],
  [
    "VectorService",
    "latency that must be high",
    [change("spec.gates.3.test", "AtLeast")],
    /gates\[3\]\.test: .*LatencyRatio/,
  ],
  [
    "VectorService",
    "memory that is compared",
    [change("spec.gates.4", { name: "memory", metric: "MemoryRatio", test: "NonInferiority", margin: 0.1 })],
    /gates\[4\]\.test: .*MemoryRatio/,
  ],
  ["VectorService", "two gates of one name", [change("spec.gates.1.name", "clean")], /gates\[1\]: Duplicate value/],

  ["ThreatModel", "no families", [change("spec.perturbations", [])], /spec\.perturbations: .*at least 1/],
  [
    "ThreatModel",
    "an unknown family",
    [change("spec.perturbations.0.family", "Rain")],
    /perturbations\[0\]\.family: .*Photometric/,
  ],
  [
    "ThreatModel",
    "an epsilon beyond the scale",
    [change("spec.perturbations.3.epsilon", 1.4)],
    /perturbations\[3\]\.epsilon: .*at most 1/,
  ],
  [
    "ThreatModel",
    "an adversary without a budget",
    [change("spec.perturbations.3.epsilon")],
    /perturbations\[3\]\.epsilon: .*above 0/,
  ],
  [
    "ThreatModel",
    "an adversary with no budget",
    [change("spec.perturbations.3.epsilon", 0)],
    /perturbations\[3\]\.epsilon: .*above 0/,
  ],
  [
    "ThreatModel",
    "an epsilon of a tilt",
    [change("spec.perturbations.1.epsilon", 0.1)],
    /perturbations\[1\]\.epsilon: /,
  ],
  [
    "ThreatModel",
    "a tilt of an exposure",
    [change("spec.perturbations.0.degrees", 5)],
    /perturbations\[0\]\.family: .*Geometric/,
  ],
  [
    "ThreatModel",
    "an exposure without strength",
    [change("spec.perturbations.0.strength")],
    /perturbations\[0\]\.strength: /,
  ],
  [
    "ThreatModel",
    "an adversary that is benign",
    [change("spec.perturbations.3.kind", "Benign")],
    /perturbations\[3\]\.kind: /,
  ],
  [
    "ThreatModel",
    "two families of one name",
    [change("spec.perturbations.1.name", "camera")],
    /perturbations\[1\]: Duplicate value/,
  ],
  [
    "ThreatModel",
    "a target of no family",
    [change("spec.targets.0.perturbation", "nobody")],
    /spec\.targets: .*name of one of perturbations/,
  ],
  ["ThreatModel", "a target above 1", [change("spec.targets.0.atLeast", 1.2)], /targets\[0\]\.atLeast: /],
  [
    "ThreatModel",
    "families of images for vectors",
    [change("spec.modality", "Vector")],
    /spec\.perturbations: .*must fit modality/,
  ],
  [
    "VectorThreatModel",
    "a box for images",
    [change("spec.modality", "Image")],
    /spec\.perturbations: .*must fit modality/,
  ],
  [
    "VectorThreatModel",
    "a coordinate below zero",
    [change("spec.perturbations.0.immutable", [-1])],
    /perturbations\[0\]\.immutable\[0\]: /,
  ],

  ["Retraining", "no cause", [change("spec.cause")], /spec\.cause: Required/],
  [
    "Retraining",
    "a parent that its URI pins as another",
    [change("spec.parent.digest", `sha256:${"f".repeat(64)}`)],
    /spec\.parent\.uri: /,
  ],
  ["Retraining", "no gates", [change("spec.gates", [])], /spec\.gates: /],
  ["Retraining", "a seed below zero", [change("spec.seed", -1)], /spec\.seed: /],
  [
    "Retraining",
    "an instant that is not UTC",
    [change("spec.cause.at", "2026-11-24T07:00:00+01:00")],
    /spec\.cause\.at: /,
  ],
  ["ModelVersion", "a digest of another hash", [change("spec.digest", "md5:00")], /spec\.digest: /],
  ["ModelVersion", "a URI that does not pin the digest", [change("spec.uri", "hf://products")], /spec\.uri: .*digest/],
  ["ModelVersion", "no service", [change("spec.serviceRef")], /spec\.serviceRef: Required/],
  [
    "ModelRollout",
    "a move to where it is",
    [change("spec.to.digest", `sha256:${"a".repeat(64)}`)],
    /spec\.to\.digest: .*nothing to move/,
  ],
  [
    "ModelRollout",
    "a policy without promotion",
    [change("spec.policy.steps", [hour])],
    /spec\.policy\.steps: .*weight 100/,
  ],
];

describe("the API server accepts", () => {
  it.each(Object.entries(valid))("%s as it is", async (_name, object) => {
    expect(await answer(object)).toBe("accepted");
  });

  it.each(["*/15 4-6,22 L,15 JAN-mar 1-5/2", "0 3 1 * Monday,sat-SUN", "0 3 * January FRI"])(
    "the schedule %s",
    async (schedule) => {
      const asked = change("spec.triggers.3.schedule", schedule);
      expect(await answer(changed(valid.EmbeddingService, asked))).toBe("accepted");
    },
  );

  it("a budget that just fits one run, training and evaluation", async () => {
    const budget = change("spec.retraining.gpuHours.atMost", 8);
    expect(await answer(changed(valid.EmbeddingService, budget))).toBe("accepted");
  });
});

describe("the API server refuses", () => {
  it.each(refused)("%s with %s", async (name, _what, changes, message) => {
    expect(await answer(changed(valid[name], ...changes))).toMatch(message);
  });
});
