import type { EmbeddingService, EmbeddingServiceStatus } from "../../api/index.ts";
import type { Stored } from "../../kube/index.ts";
import { recordSaid } from "../occurrences.ts";
import type { Turn } from "../ports.ts";
import type { Decision } from "./decide.ts";

const verdicts = ["Pass", "Fail", "NoData", "SourceError"] as const;
const phases = ["Pending", "Learning", "Steady", "Retraining", "RollingOut", "Protecting", "Stalled"] as const;

/** Events and metrics: only of what was persisted. */
export function report(
  turn: Turn,
  service: Stored<EmbeddingService>,
  status: EmbeddingServiceStatus,
  decision: Decision,
): void {
  recordSaid(turn, service, decision.said);
  const { metrics, key } = turn;
  const labels = { namespace: key.namespace, service: key.name };
  for (const phase of phases) metrics.phase.set({ ...labels, phase }, status.phase === phase ? 1 : 0);
  for (const { name, verdict } of status.signals) {
    for (const each of verdicts)
      metrics.verdicts.set({ ...labels, trigger: name, verdict: each }, verdict === each ? 1 : 0);
  }
  metrics.rolloutWeight.set(labels, status.rollout?.weight ?? 0);
  metrics.auditSequence.set(labels, status.audit.seq);
  metrics.auditHead.remove({ ...labels, head: service.status.audit.head });
  metrics.auditHead.set({ ...labels, head: status.audit.head }, 1);
  const limit = service.spec.retraining?.stopAfterFailures ?? Number.POSITIVE_INFINITY;
  for (const { class: causeClass, count, generation } of status.failures) {
    const open = count >= limit && generation === service.metadata.generation;
    metrics.circuitOpen.set({ ...labels, class: causeClass }, open ? 1 : 0);
  }
  const { activeVersion: before } = service.status;
  const { activeVersion: active } = status;
  if (before) metrics.modelInfo.remove({ ...labels, model: before.digest, version: before.name });
  if (active) metrics.modelInfo.set({ ...labels, model: active.digest, version: active.name }, 1);
  account(turn, labels, service.status, status);
}

function account(
  { metrics }: Turn,
  labels: { namespace: string; service: string },
  before: EmbeddingServiceStatus,
  after: EmbeddingServiceStatus,
): void {
  const [last] = after.ledger.slice(-1);
  if (!last || before.ledger.some(({ run }) => run === last.run)) return;
  metrics.gpuTime.inc({ ...labels, class: last.class }, last.gpuSeconds);
}

/** A deleted service exports nothing more. */
export function forget({ metrics, key }: Turn): void {
  const labels = { namespace: key.namespace, service: key.name };
  for (const phase of phases) metrics.phase.remove({ ...labels, phase });
  metrics.rolloutWeight.remove(labels);
  metrics.auditSequence.remove(labels);
}
