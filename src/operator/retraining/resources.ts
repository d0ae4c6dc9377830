import {
  type EvaluateRequest,
  evaluateRequest,
  type ModelVersionSpec,
  milliseconds,
  modelIdentity,
  type Retraining,
  type RetrainingStatus,
  reportName,
  type TrainRequest,
  trainRequest,
} from "../../api/index.ts";
import { names } from "../identity.ts";
import { finalizers, labels } from "../labels.ts";
import { podEnvironment, podSecurityContext, scratch, securityContext } from "../pod.ts";
import { evaluationName } from "./report-objects.ts";
import { storeVolumes } from "./store-volumes.ts";

export type Role = "train" | "evaluate";

export function jobNames(run: string): Record<Role, string> {
  return { train: `${run}-train`, evaluate: `${run}-evaluate` };
}

export type Images = { readonly image: string; readonly trainerImage: string };

/** Exit codes that say that another try would end the same way (src/api/run.ts). */
const hopeless = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

/** @param name  of the Job; a second one says a lost result again */
export function trainingJob(run: Retraining, name: string, images: Images) {
  const { placement } = run.spec;
  const gpus = placement.gpus > 0 ? { "nvidia.com/gpu": String(placement.gpus) } : {};
  return job(run, "train", name, trainRequestOf(run), noAccount, {
    ...(ownImage(run) ?? { image: images.trainerImage, args: ["train"] }),
    resources: { requests: placement.resources.requests, limits: { ...placement.resources.limits, ...gpus } },
  });
}

export function evaluationJob(run: Retraining, name: string, images: Images) {
  const { requests, limits } = run.spec.placement.resources;
  const own = ownEvaluation(run);
  const ours = {
    image: images.trainerImage,
    args: ["evaluate"],
    env: [{ name: "EVENKEEL_REPORT", value: reportName(run.metadata.name) }],
  };
  const account = { serviceAccountName: evaluationName(run.metadata.name), automountServiceAccountToken: true };
  return job(run, "evaluate", name, evaluateRequestOf(run), own ? noAccount : account, {
    ...(own ?? ours),
    resources: { requests, limits },
  });
}

/** An image of the user's that evaluates too: it is the trainer's, which calls nobody, so that it fills no report. */
export function ownEvaluation(run: Retraining): Pick<Container, "image" | "command"> | null {
  return run.spec.trainer.evaluation === "Image" ? ownImage(run) : null;
}

function ownImage({ spec: { trainer } }: Retraining): Pick<Container, "image" | "command"> | null {
  if (trainer.image === undefined) return null;
  return { image: trainer.image, ...(trainer.command ? { command: [...trainer.command] } : {}) };
}

type Container = {
  readonly image: string;
  readonly command?: string[];
  readonly args?: string[];
  readonly env?: { name: string; value: string }[];
  readonly resources: { requests: Record<string, string>; limits: Record<string, string> };
};

/** As whom a pod calls the API server. */
type Account = { readonly serviceAccountName?: string; readonly automountServiceAccountToken: boolean };

/** A trainer may be anybody's image: it calls nobody. */
const noAccount: Account = { automountServiceAccountToken: false };

function job(
  run: Retraining,
  role: Role,
  name: string,
  request: TrainRequest | EvaluateRequest,
  account: Account,
  { env = [], ...container }: Container,
) {
  const { placement, maxDuration, serviceRef } = run.spec;
  const store = storeVolumes(run, role);
  const own = { [labels.service]: serviceRef.name, [labels.run]: run.metadata.name, [labels.role]: role };
  const queue = placement.queueName === undefined ? {} : { "kueue.x-k8s.io/queue-name": placement.queueName };
  return {
    metadata: {
      name,
      namespace: run.metadata.namespace,
      labels: { ...own, ...queue, [labels.managedBy]: "evenkeel" },
      finalizers: [finalizers.result],
    },
    spec: {
      backoffLimit: placement.backoffLimit,
      activeDeadlineSeconds: Math.max(1, milliseconds(maxDuration) / 1000),
      completions: 1,
      parallelism: 1,
      // A pod that is being evicted is replaced when it has ended: two trainers must not write one checkpoint.
      podReplacementPolicy: "Failed",
      podFailurePolicy: {
        rules: [
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
          { action: "FailJob", onExitCodes: { containerName: role, operator: "In", values: hopeless } },
        ],
      },
      template: {
        metadata: { labels: own },
        spec: {
          restartPolicy: "Never",
          ...account,
          enableServiceLinks: false,
          securityContext: podSecurityContext,
          nodeSelector: placement.nodeSelector,
          tolerations: placement.tolerations,
          ...(placement.priorityClassName === undefined ? {} : { priorityClassName: placement.priorityClassName }),
          volumes: [...store.volumes, scratch.volume],
          containers: [
            {
              name: role,
              ...container,
              env: [...podEnvironment, ...env, { name: "EVENKEEL_RUN", value: JSON.stringify(request) }],
              securityContext,
              terminationMessagePolicy: "File",
              volumeMounts: [...store.mounts, scratch.mount],
            },
          ],
        },
      },
    },
  };
}

export function trainRequestOf(run: Retraining): TrainRequest {
  const { parent, firstVersion, dataset, traffic, cause, threatModel, seed, trainer } = run.spec;
  return trainRequest.parse({
    kind: "Train",
    run: `${run.metadata.namespace}/${run.metadata.name}`,
    parent,
    dataset,
    ...(traffic === undefined ? {} : { traffic }),
    ...(firstVersion === undefined ? {} : { firstVersion: firstVersion.uri }),
    causeClass: cause.class,
    perturbations: threatModel.perturbations,
    seed,
    trainer,
  });
}

export function evaluateRequestOf(run: Retraining): EvaluateRequest {
  const { parent, baseline, dataset, traffic, threatModel, evaluationData, gates, alpha, seed } = run.spec;
  const { quarantined } = run.status;
  return evaluateRequest.parse({
    kind: "Evaluate",
    run: `${run.metadata.namespace}/${run.metadata.name}`,
    candidate: run.status.bundle,
    active: parent.uri,
    baseline: baseline.uri,
    dataset,
    ...(traffic === undefined ? {} : { traffic }),
    ...(quarantined === null ? {} : { quarantined }),
    evaluationData,
    perturbations: threatModel.perturbations,
    targets: threatModel.targets,
    gates,
    alpha,
    seed,
  });
}

/** The version that came out of a run, promoted or not. */
export function modelVersionOf(run: Retraining, status: RetrainingStatus = run.status) {
  const { digest } = modelIdentity(status.bundle);
  const { serviceRef, parent, threatModel } = run.spec;
  const spec: ModelVersionSpec = {
    serviceRef: { name: serviceRef.name },
    identity: "Digest",
    digest,
    uri: status.bundle,
    parent: parent.digest,
    retrainingRef: { name: run.metadata.name },
    report: status.report,
    threatModelHash: threatModel.hash,
  };
  return {
    metadata: {
      name: names.modelVersion(serviceRef.name, digest),
      namespace: run.metadata.namespace,
      labels: { [labels.service]: serviceRef.name },
    },
    spec,
  };
}
