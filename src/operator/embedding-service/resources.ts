import {
  type Cause,
  defaultGates,
  type EmbeddingService,
  type EmbeddingServiceStatus,
  type GatewayConfig,
  type ModelRef,
  type ModelRollout,
  type ModelRolloutSpec,
  type ModelVersionSpec,
  modelIdentity,
  type RetrainingSpec,
  type ThreatModel,
} from "../../api/index.ts";
import { isInStore, names, seedOf } from "../identity.ts";
import { selectorText } from "../label-selector.ts";
import { labels } from "../labels.ts";
import { routeWanted } from "../route.ts";
import type { Workload } from "../workload.ts";
import type { Observed } from "./world.ts";

/** Level of all tests of one evaluation set together, over its life (decision 18). */
const lifetimeAlpha = 0.05;
/** Promotions after which nothing is left worth testing at. */
const mostPromotions = 20;

/** The run of a cause. */
export function retrainingOf(
  { service, snapshot }: Pick<Observed, "service" | "snapshot">,
  threatModel: ThreatModel,
  cause: Cause,
  active: ModelRef,
): {
  readonly metadata: { name: string; namespace: string; labels: Record<string, string> };
  readonly spec: RetrainingSpec;
} {
  const { name, namespace } = service.metadata;
  const { dataset, gates, retraining, store } = service.spec;
  if (!retraining) throw new TypeError(`${namespace}/${name} has no retraining`);
  const baseline = service.status.baselineVersion ?? active;
  // evenkeel's own evaluation loads what it compares with from the store; an image of the user's knows its models.
  const comparable = retraining.trainer.evaluation === "Image" || isInStore(baseline.uri) ? baseline : active;
  const resolved =
    gates.length > 0 ? gates : defaultGates(retraining.evaluationData, cause.class, threatModel.spec.targets);
  const { firstVersion } = service.status;
  const traffic = usesTraffic(service, cause) && snapshot ? { traffic: snapshot.uri } : {};
  return {
    metadata: { name: names.retraining(name, cause.id), namespace, labels: { [labels.service]: name } },
    spec: {
      serviceRef: { name },
      cause,
      parent: { digest: active.digest, uri: active.uri },
      baseline: { digest: comparable.digest, uri: comparable.uri },
      ...(firstVersion ? { firstVersion: { digest: firstVersion.digest, uri: firstVersion.uri } } : {}),
      threatModel: {
        name: threatModel.metadata.name,
        hash: threatModel.status.hash ?? "",
        perturbations: threatModel.spec.perturbations,
        targets: threatModel.spec.targets,
      },
      dataset: {
        reference: dataset.reference,
        ...(dataset.evaluation === undefined ? {} : { evaluation: dataset.evaluation }),
      },
      ...traffic,
      evaluationData: retraining.evaluationData,
      seed: seedOf(cause.id),
      trainer: retraining.trainer,
      placement: retraining.placement,
      gates: resolved,
      alpha: alphaLeft(service.status, dataset.evaluation),
      claimName: store.claimName,
      ...(dataset.traffic.store ? { trafficClaimName: dataset.traffic.store.claimName } : {}),
      maxDuration: retraining.maxDuration,
    },
  };
}

/**
 * Whether captured traffic may enter the new version's reference: never an attacker's window (decision 12), and only when a
 * gate measures the new domain, or a person approves in any case, so that no degradation is declared normal (decision 5).
 */
export function usesTraffic({ spec }: Pick<EmbeddingService, "spec">, cause: Pick<Cause, "class">): boolean {
  const { dataset, gates, retraining } = spec;
  if (dataset.traffic.capture !== "On" || cause.class === "Attack" || !retraining) return false;
  const { evaluationData } = retraining;
  const asked = gates.length > 0 ? gates : defaultGates(evaluationData, cause.class, []);
  return evaluationData === "None" || asked.some(({ metric }) => metric === "ShiftedAccuracy");
}

/** α/2 for the first promotion, α/4 for the second, … so that all together spend α. */
export function alphaLeft({ evaluationUses }: EmbeddingServiceStatus, evaluation: string | undefined): number {
  const uses = evaluationUses.find((entry) => entry.evaluation === evaluation)?.uses ?? 0;
  return uses >= mostPromotions ? 0 : lifetimeAlpha / 2 ** (uses + 1);
}

/** The rollout that the status names; null when it is not to be made. */
export function rolloutOf(service: EmbeddingService): {
  readonly metadata: { name: string; namespace: string; labels: Record<string, string> };
  readonly spec: ModelRolloutSpec;
} | null {
  const { rollout, activeVersion } = service.status;
  if (!rollout?.to || rollout.uid !== "" || !activeVersion) return null;
  const { name, namespace } = service.metadata;
  const end = (model: ModelRef) => ({ version: model.name, digest: model.digest, uri: model.uri });
  const { maxBaselineShift: _, ...policy } = service.spec.rollout;
  const approval = rollout.needsApproval === "" ? policy.approval : "Manual";
  return {
    metadata: { name: rollout.name, namespace, labels: { [labels.service]: name } },
    spec: {
      serviceRef: { name },
      from: end(activeVersion),
      to: end(rollout.to),
      reason: "Promotion",
      policy: { ...policy, approval },
      paused: false,
      abort: false,
      approvals: [],
    },
  };
}

/** The version of a model that was not made by a run: it was there already. */
export function adoptedVersion({ metadata: { name, namespace } }: EmbeddingService, model: ModelRef) {
  const spec: ModelVersionSpec = {
    serviceRef: { name },
    identity: modelIdentity(model.uri).pinned ? "Digest" : "Uri",
    digest: model.digest,
    uri: model.uri,
    report: "",
  };
  return { metadata: { name: model.name, namespace, labels: { [labels.service]: name } }, spec };
}

/**
 * What gateways are told; null until there is a model. The generation is left out: it is raised when the rest differs.
 */
export function gatewayConfigOf(
  service: EmbeddingService,
  status: EmbeddingServiceStatus,
  workload: Workload,
  rollout: ModelRollout | null,
): Omit<GatewayConfig, "generation"> | null {
  const { activeVersion: active, firstVersion } = status;
  if (!active) return null;
  const { name, namespace, uid } = service.metadata;
  const { spec } = service;
  const { prometheus: _, ...monitoring } = spec.monitoring;
  const { evaluation: __, ...dataset } = spec.dataset;
  const { mode, maxDelay, maxBytes } = spec.gateway.protection;
  const route = routeWanted(rollout);
  const candidate = route && { ...route, deployment: names.pool(spec.workloadRef.name, route.digest) };
  return {
    service: { name, namespace, uid },
    selector: selectorText(workload.selector),
    deployment: spec.workloadRef.name,
    port: spec.port,
    protocol: spec.protocol,
    modality: spec.modality,
    model: { container: spec.model.container, env: spec.model.env },
    routes: spec.gateway.routes,
    routing: {
      salt: uid,
      stickyHeader: spec.dataset.traffic.clientKey ?? null,
      stable: { digest: active.digest, uri: active.uri },
      // The active version's kept pods answer for it while the workload is on its way back to it.
      candidate: candidate?.digest === active.digest && !candidate.documents ? null : candidate,
    },
    protection: { active: status.protection?.active ?? false, mode, maxDelay, maxBytes },
    monitoring,
    dataset,
    baseline: { digest: (firstVersion ?? active).digest, uri: (firstVersion ?? active).uri },
  };
}
