import { describe, expect, it } from "vitest";
import {
  type EvaluateResult,
  exitCodes,
  type RetrainingStatus,
  retrainingStatus,
  type TrainResult,
  trainRequest,
} from "../../api/index.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { decide } from "./decide.ts";
import {
  evaluateRequestOf,
  evaluationJob,
  jobNames,
  modelVersionOf,
  trainingJob,
  trainRequestOf,
} from "./resources.ts";
import type { JobState, Observed } from "./world.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const a = `sha256:${"a".repeat(64)}`;
const b = `sha256:${"b".repeat(64)}`;
const uri = (digest: string): string => `store://models/shop@${digest}`;

const service = serviceFixture({ status: { retraining: { name: "shop-1", uid: "r", phase: "Pending" } } });

const run = (status: Partial<RetrainingStatus> = {}, spec: object = {}) => runFixture({ status, spec });

function job<Result>(change: Partial<JobState<Result>> = {}): JobState<Result> {
  return {
    uid: "j",
    end: null,
    deleted: false,
    result: null,
    unreadable: "",
    trouble: null,
    startedAt: now - 60_000,
    finishedAt: null,
    pods: [],
    ...change,
  };
}

const trained: TrainResult = { kind: "Train", bundle: uri(b), steps: 100, backend: "native" };
const complete = {
  end: { kind: "Complete" },
  finishedAt: now - 1000,
  pods: [{ uid: "p", madeAt: "", gpuSeconds: 59.4 }],
} as const;
const row = { name: "clean", value: -0.001, bound: -0.01, p: 0.001, n: 900, needed: 500 };
const evaluated: EvaluateResult = { kind: "Evaluate", report: uri(a), gates: [row], overlap: 0 };

const job1 = { name: "shop-1-train", uid: "j", gpuSeconds: 0, pods: [], outcome: "", reemitted: false };
const training: Partial<RetrainingStatus> = { phase: "Training", train: job1 };
const evaluating: Partial<RetrainingStatus> = {
  phase: "Evaluating",
  bundle: uri(b),
  evaluate: { ...job1, name: "shop-1-evaluate" },
};

const next = (status: Partial<RetrainingStatus>, change: Partial<Omit<Observed, "run">> = {}) => {
  const decision = decide(
    {
      run: run(status),
      service,
      unreadable: null,
      train: null,
      evaluate: null,
      obstacle: null,
      published: true,
      ...change,
    },
    now,
  );
  expect(retrainingStatus.safeParse(JSON.parse(JSON.stringify(decision.status))).error).toBeUndefined();
  return decision;
};

describe("a run", () => {
  it("is not cancelled while its service cannot be read: it stands still, and says so", () => {
    const unreadable = { reason: "Unreadable", message: "EmbeddingService search/shop is not as expected" };
    for (const status of [{}, training, evaluating]) {
      const held = next(status, { service: null, unreadable });
      expect(held).toMatchObject({ status, said: [] });
      expect(held.status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
        status: "True",
        ...unreadable,
      });
    }
    expect(next(training, { service: null }).status.phase).toBe("Cancelled");
  });

  it("stays Pending until its service names it", () => {
    const other = {
      ...service,
      status: { ...service.status, retraining: { name: "another", uid: "", phase: "Pending", gpuSeconds: 0 } },
    };
    expect(next({}, { service: other }).status.phase).toBe("Pending");
    const { status, said } = next({});
    expect(status).toMatchObject({ phase: "Training", train: { name: "shop-1-train", uid: "" } });
    expect(said).toMatchObject([{ kind: "TrainingStarted", facts: { cause: "1", seed: 7 } }]);
  });

  it("at work says which pod does not run, and why, until it does", () => {
    const trouble = "Pod shop-1-train-x is Pending: Unschedulable: 0/3 nodes have a GPU";
    const seen = { ...job1, startedAt: new Date(now - 60_000).toISOString() };
    const held = next({ phase: "Training", train: seen }, { train: job({ trouble }) }).status;
    const complete = ({ conditions }: RetrainingStatus) => conditions.find(({ type }) => type === "Complete");
    expect(complete(held)).toMatchObject({ status: "False", reason: "Training", message: trouble });
    expect(held.train).toEqual(seen);
    expect(complete(next(held, { train: job({}) }).status)?.message).toBe("");
  });

  it("that waits is cancelled when its parent is replaced: it would prove nothing of what runs", () => {
    const active = {
      name: "shop-b",
      digest: `sha256:${"b".repeat(64)}`,
      uri: `store://m/shop@sha256:${"b".repeat(64)}`,
    };
    const replaced = { ...service, status: { ...service.status, activeVersion: active, retraining: undefined } };
    expect(next({}, { service: replaced }).status).toMatchObject({ phase: "Cancelled", reason: "ParentReplaced" });
    const parent = { ...active, digest: run().spec.parent.digest };
    const same = { ...service, status: { ...service.status, activeVersion: parent, retraining: undefined } };
    expect(next({}, { service: same }).status.phase).toBe("Pending");
  });

  it("remembers its Job by UID before anything else is said of it", () => {
    expect(next({ phase: "Training", train: { ...job1, uid: "" } }, { train: job() }).status.train).toMatchObject({
      uid: "j",
    });
  });

  it("goes on to the evaluation with the bundle", () => {
    const { status } = next(training, { train: job({ ...complete, result: trained }) });
    expect(status).toMatchObject({
      phase: "Evaluating",
      bundle: uri(b),
      train: { outcome: "Complete", gpuSeconds: 59 },
      evaluate: { name: "shop-1-evaluate", uid: "" },
    });
  });

  it("judges the gates itself, from the facts", () => {
    const { status, said } = next(evaluating, { evaluate: job({ ...complete, result: evaluated }) });
    expect(status).toMatchObject({ phase: "Gating", report: uri(a), gates: [{ name: "clean", verdict: "Pass" }] });
    expect(said).toMatchObject([{ kind: "GatesJudged", facts: { verdicts: { clean: "Pass" }, alpha: 0.025 } }]);
  });

  const gating = (verdict: "Pass" | "Warn" | "Fail" | "NoData", change: object = {}): Partial<RetrainingStatus> => ({
    phase: "Gating",
    bundle: uri(b),
    overlap: 0,
    gates: [{ ...row, verdict, message: "m" }],
    ...change,
  });
  it.each([
    ["a pass", gating("Pass"), "Published", "GatesPassed"],
    ["a warning", gating("Warn"), "Published", "GatesPassed"],
    ["a failed gate", gating("Fail"), "Rejected", "GateFailed"],
    ["a gate without data", gating("NoData"), "Rejected", "NotProven"],
    ["no gates at all", gating("Pass", { gates: [] }), "Rejected", "NotProven"],
    ["sets that overlap", gating("Pass", { overlap: 3 }), "Rejected", "OverlappingData"],
  ])("ends after gating: %s", (_, before, phase, reason) => {
    const { status, said } = next(before);
    expect(status).toMatchObject({ phase, reason, modelVersion: "shop-bbbbbbbbbbbb" });
    expect(said).toHaveLength(1);
  });

  it("waits for its version to be there before it says so", () => {
    expect(next(gating("Pass"), { published: false }).status.phase).toBe("Gating");
  });

  it.each([
    [0.2, ""],
    [0.21, "21 % of the captured samples were set aside"],
  ])("asks for a person when %d of the samples were quarantined", (quarantined, needsApproval) => {
    expect(next(gating("Pass", { quarantined })).status.needsApproval).toBe(needsApproval);
  });

  it.each([
    [0, ""],
    [null, "overlap of the sets is not known"],
  ])("asks for a person when the overlap of the sets is not known: %s", (overlap, needsApproval) => {
    const { status, said } = next(gating("Pass", { overlap }));
    expect(status).toMatchObject({ phase: "Published", needsApproval });
    expect(said).toMatchObject([{ kind: "RunPublished", facts: { needsApproval } }]);
  });

  it("takes nothing for an overlap that the evaluation did not tell", () => {
    const { overlap: _, ...untold } = evaluated;
    expect(next(evaluating, { evaluate: job({ ...complete, result: untold }) }).status.overlap).toBeNull();
  });

  it("says to the end what training wants a person to know", () => {
    const note = "past its TTL";
    const { status } = next(training, { train: job({ ...complete, result: { ...trained, note } }) });
    expect(status).toMatchObject({ phase: "Evaluating", message: note });
    expect(next(gating("Pass", { message: note })).status).toMatchObject({ phase: "Published", message: note });
  });

  it.each([
    ["within the limit", 1, ""],
    [
      "over it",
      1.001,
      "the 800 admitted samples lie 1.01 standard deviations from the first version's reference; maxBaselineShift is 1",
    ],
    [
      "unknown",
      null,
      "how far the 800 admitted samples lie from the first version's reference is not known; maxBaselineShift is 1",
    ],
  ])("asks for a person when admitted traffic has shifted further than it may: %s", (_, shift, needsApproval) => {
    const { status, said } = next(gating("Pass", { trafficAdmitted: 800, baselineShift: shift }));
    expect(status).toMatchObject({ phase: "Published", needsApproval });
    expect(said).toMatchObject([
      { kind: "TrafficAdmitted", facts: { samples: 800, shift, maxBaselineShift: 1, needsApproval } },
      { kind: "RunPublished" },
    ]);
  });

  it("asks nobody, and admits nothing, when no traffic was admitted or the gates did not pass", () => {
    expect(next(gating("Pass", { trafficAdmitted: 0 })).status.needsApproval).toBe("");
    const { said } = next(gating("Fail", { trafficAdmitted: 800, baselineShift: 0.1 }));
    expect(said.map(({ kind }) => kind)).toEqual(["RunRejected"]);
  });

  it("goes by the service's limit, and says both when samples were set aside as well", () => {
    const wide = serviceFixture({ spec: { rollout: { maxBaselineShift: 3 } }, status: service.status });
    const shifted = { trafficAdmitted: 800, baselineShift: 2 };
    expect(next(gating("Pass", shifted), { service: wide }).status.needsApproval).toBe("");
    expect(next(gating("Pass", { ...shifted, quarantined: 0.3 })).status.needsApproval).toMatch(
      /^30 % of .* aside; the 800 .* maxBaselineShift is 1$/,
    );
  });

  it("takes what the trainer measured, and nothing for what it did not", () => {
    const after = (result: Partial<TrainResult>) =>
      next(training, { train: job({ ...complete, result: { ...trained, ...result } }) }).status;
    expect(after({ trafficAdmitted: 800, baselineShift: 0.4 })).toMatchObject({ baselineShift: 0.4 });
    expect(after({ trafficAdmitted: 800 })).toMatchObject({ trafficAdmitted: 800, baselineShift: null });
  });

  it.each([
    [
      "bad data",
      job<TrainResult>({
        end: { kind: "Failed", reason: "PodFailurePolicy", message: "exit code 10" },
        result: { kind: "Train", error: { reason: "Malformed", message: "no tensor inputs" } },
      }),
      "Malformed",
      "no tensor inputs",
    ],
    [
      "out of tries",
      job<TrainResult>({ end: { kind: "Failed", reason: "BackoffLimitExceeded", message: "3 tries" } }),
      "BackoffLimitExceeded",
      "3 tries",
    ],
    [
      "no bundle",
      job<TrainResult>({ ...complete, result: { kind: "Train" } }),
      "NoBundle",
      "the trainer gave no bundle",
    ],
  ])("fails: %s", (_, train, reason, message) => {
    expect(next(training, { train }).status).toMatchObject({ phase: "Failed", reason, message });
  });

  it("is rejected when training changed nothing", () => {
    expect(
      next(training, { train: job({ ...complete, result: { ...trained, bundle: uri(a) } }) }).status,
    ).toMatchObject({ phase: "Rejected", reason: "Unchanged" });
  });

  it.each([
    ["deleted by hand, held by its finalizer", { train: job<TrainResult>({ deleted: true }) }],
    ["gone altogether", { train: null }],
  ])("is cancelled when its Job is %s, and makes no other", (_, change) => {
    expect(next(training, change).status).toMatchObject({ phase: "Cancelled", reason: "JobDeleted" });
  });

  it("takes the answer of a Job that was deleted after it had ended", () => {
    expect(next(training, { train: job({ ...complete, deleted: true, result: trained }) }).status.phase).toBe(
      "Evaluating",
    );
  });

  it("has a lost answer said again once, then gives up", () => {
    const lost = job<TrainResult>({ ...complete, unreadable: "the pod is gone" });
    const { status, said } = next(training, { train: lost });
    expect(status).toMatchObject({
      phase: "Training",
      train: { name: "shop-1-train-again", uid: "", reemitted: true, gpuSeconds: 59 },
    });
    expect(said.map(({ kind }) => kind)).toEqual(["ResultLost"]);
    const again = {
      phase: "Training" as const,
      train: { ...job1, name: "shop-1-train-again", reemitted: true, gpuSeconds: 59 },
    };
    expect(
      next(again, { train: job({ ...complete, pods: [{ uid: "q", madeAt: "", gpuSeconds: 2 }], result: trained }) })
        .status.train?.gpuSeconds,
    ).toBe(61);
    expect(next(again, { train: lost }).status).toMatchObject({ phase: "Failed", reason: "ResultLost" });
  });

  it.each(["Pending", "Training", "Evaluating", "Gating"] as const)(
    "is cancelled with its service while %s",
    (phase) => {
      expect(next({ ...training, phase }, { service: null }).status).toMatchObject({
        phase: "Cancelled",
        reason: "ServiceDeleted",
      });
    },
  );

  it("stalls while the name of its Job is taken", () => {
    const { status } = next(
      { phase: "Training", train: { ...job1, uid: "" } },
      { obstacle: { reason: "NameTaken", message: "m" } },
    );
    expect(status.phase).toBe("Training");
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
      status: "True",
      reason: "NameTaken",
    });
  });

  it.each(["Published", "Rejected", "Failed", "Cancelled"] as const)("says nothing more once %s", (phase) => {
    expect(next({ phase }, { train: job({ ...complete, result: trained }) })).toMatchObject({
      status: { phase },
      said: [],
    });
  });
});

describe("its Jobs", () => {
  const images = { image: "evenkeel", trainerImage: "trainer" };
  const placed = run(
    {},
    {
      placement: {
        gpus: 2,
        queueName: "gpus",
        nodeSelector: { pool: "gpu" },
        tolerations: [{ key: "gpu", operator: "Exists" }],
        backoffLimit: 5,
        resources: { requests: { cpu: "4" }, limits: { memory: "8Gi" } },
      },
    },
  );
  const made = trainingJob(placed, jobNames("shop-1").train, images);
  const pod = made.spec.template.spec;

  it("are bounded, queued and placed as asked", () => {
    expect(made.metadata.labels).toMatchObject({
      "kueue.x-k8s.io/queue-name": "gpus",
      "evenkeel.dev/run": "shop-1",
      "evenkeel.dev/role": "train",
    });
    expect(made.spec).toMatchObject({ backoffLimit: 5, activeDeadlineSeconds: 7200 });
    expect(pod).toMatchObject({ nodeSelector: { pool: "gpu" }, tolerations: [{ key: "gpu", operator: "Exists" }] });
    expect(pod.containers[0]?.resources).toEqual({
      requests: { cpu: "4" },
      limits: { memory: "8Gi", "nvidia.com/gpu": "2" },
    });
  });

  it("are not tried again on bad data, and evictions do not count", () => {
    const [ignored, failed] = made.spec.podFailurePolicy.rules;
    expect(ignored).toMatchObject({ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] });
    expect(failed).toMatchObject({ action: "FailJob", onExitCodes: { containerName: "train" } });
    expect(failed?.onExitCodes?.values).toContain(exitCodes.badData);
    expect(failed?.onExitCodes?.values).not.toContain(exitCodes.failed);
  });

  it("run restricted, without a token, and hold their result", () => {
    expect(made.metadata.finalizers).toEqual(["evenkeel.dev/result"]);
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(pod.containers[0]?.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("may fill the run's report when they evaluate, by an account of their own", () => {
    const { spec } = evaluationJob(run({ bundle: uri(b) }), "e", images).spec.template;
    expect(spec).toMatchObject({ serviceAccountName: "shop-1-evaluate", automountServiceAccountToken: true });
    expect(spec.containers[0]?.env).toContainEqual({ name: "EVENKEEL_REPORT", value: "shop-1-report" });
    expect(pod).not.toHaveProperty("serviceAccountName");
    const own = run({ bundle: uri(b) }, { trainer: { image: "mine", evaluation: "Image" } });
    for (const other of [pod, evaluationJob(own, "e", images).spec.template.spec]) {
      expect(other.automountServiceAccountToken).toBe(false);
      expect(other.containers[0]?.env.map(({ name }) => name)).not.toContain("EVENKEEL_REPORT");
    }
  });

  it("are told what to do by the container contract", () => {
    const told = pod.containers[0]?.env.find(({ name }) => name === "EVENKEEL_RUN");
    const request: unknown = JSON.parse(told && "value" in told ? told.value : "");
    expect(trainRequest.parse(request)).toMatchObject({ run: "search/shop-1", parent: { digest: a }, seed: 7 });
  });

  it("tell the evaluation how much of the traffic was set aside", () => {
    expect(evaluateRequestOf(run({ bundle: uri(b), quarantined: 0.3 })).quarantined).toBe(0.3);
    expect(evaluateRequestOf(run({ bundle: uri(b) }))).not.toHaveProperty("quarantined");
  });

  it("run the user's trainer when there is one, and our evaluation", () => {
    const own = run({ bundle: uri(b) }, { trainer: { image: "mine", command: ["python", "train.py"] } });
    expect(trainingJob(own, "t", images).spec.template.spec.containers[0]).toMatchObject({
      image: "mine",
      command: ["python", "train.py"],
    });
    expect(evaluationJob(own, "e", images).spec.template.spec.containers[0]).toMatchObject({
      image: "trainer",
      args: ["evaluate"],
    });
  });

  it("are the user's both, when its image evaluates: models that only it can load are named as they are", () => {
    const foreign = { digest: a, uri: "hub/thumbnails" };
    const trainer = { image: "mine", command: ["python", "run.py"], evaluation: "Image" };
    const own = run({ bundle: uri(b) }, { trainer, parent: foreign, baseline: foreign });
    for (const made of [trainingJob(own, "t", images), evaluationJob(own, "e", images)]) {
      const [container] = made.spec.template.spec.containers;
      expect(container).toMatchObject({ image: "mine", command: ["python", "run.py"] });
      expect(container).not.toHaveProperty("args");
    }
    expect(trainRequestOf(own).parent).toEqual(foreign);
    expect(evaluateRequestOf(own)).toMatchObject({ candidate: uri(b), active: foreign.uri, baseline: foreign.uri });
  });

  it("make a version with its lineage", () => {
    expect(modelVersionOf(run({ bundle: uri(b), report: "r" }))).toMatchObject({
      metadata: { name: "shop-bbbbbbbbbbbb" },
      spec: { digest: b, parent: a, retrainingRef: { name: "shop-1" }, report: "r" },
    });
  });
});
