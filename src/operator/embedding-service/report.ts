import type { EmbeddingService, EmbeddingServiceStatus } from "../../api/index.ts";
import type { Stored } from "../../kube/index.ts";
import { removeSeries } from "../../metrics/index.ts";
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
  measure(turn, service, status);
}

type Measuring = Pick<Turn, "metrics" | "key">;

/** @param service  as it was before, with what is exported of it */
export function measure({ metrics, key }: Measuring, service: EmbeddingService, status: EmbeddingServiceStatus): void {
  const labels = { namespace: key.namespace, service: key.name };
  for (const phase of phases) metrics.phase.set({ ...labels, phase }, status.phase === phase ? 1 : 0);
  const before = service.status;
  for (const trigger of gone(before.signals, status.signals, "name")) {
    for (const verdict of verdicts) metrics.verdicts.remove({ ...labels, trigger, verdict });
  }
  for (const { name, verdict } of status.signals) {
    for (const each of verdicts)
      metrics.verdicts.set({ ...labels, trigger: name, verdict: each }, verdict === each ? 1 : 0);
  }
  metrics.rolloutWeight.set(labels, status.rollout?.weight ?? 0);
  metrics.auditSequence.set({ ...labels, uid: service.metadata.uid }, status.audit.seq);
  metrics.auditHead.remove({ ...labels, head: before.audit.head });
  metrics.auditHead.set({ ...labels, head: status.audit.head }, 1);
  const limit = service.spec.retraining?.stopAfterFailures ?? Number.POSITIVE_INFINITY;
  for (const causeClass of gone(before.failures, status.failures, "class")) {
    metrics.circuitOpen.remove({ ...labels, class: causeClass });
  }
  for (const { class: causeClass, count, generation } of status.failures) {
    const open = count >= limit && generation === service.metadata.generation;
    metrics.circuitOpen.set({ ...labels, class: causeClass }, open ? 1 : 0);
  }
  const { activeVersion: active } = status;
  if (before.activeVersion) {
    metrics.modelInfo.remove({ ...labels, model: before.activeVersion.digest, version: before.activeVersion.name });
  }
  if (active) metrics.modelInfo.set({ ...labels, model: active.digest, version: active.name }, 1);
  account(metrics, labels, before, status);
}

/** What of a list of the status is not there any more. */
function gone<Field extends string>(
  before: readonly Readonly<Record<Field, string>>[],
  after: readonly Readonly<Record<Field, string>>[],
  field: Field,
): string[] {
  return before.map((entry) => entry[field]).filter((value) => after.every((entry) => entry[field] !== value));
}

function account(
  metrics: Turn["metrics"],
  labels: { namespace: string; service: string },
  before: EmbeddingServiceStatus,
  after: EmbeddingServiceStatus,
): void {
  const [last] = after.ledger.slice(-1);
  if (!last || before.ledger.some(({ run }) => run === last.run)) return;
  metrics.gpuTime.inc({ ...labels, class: last.class }, last.gpuSeconds);
}

/** A deleted service has no state any more. What was counted of it stays counted, and its last run may yet end. */
export async function forget({ metrics, key }: Measuring): Promise<void> {
  const labels = { namespace: key.namespace, service: key.name };
  await Promise.all([
    removeSeries(metrics.phase, labels),
    removeSeries(metrics.verdicts, labels),
    removeSeries(metrics.modelInfo, labels),
    removeSeries(metrics.gates, labels),
    removeSeries(metrics.rolloutWeight, labels),
    removeSeries(metrics.circuitOpen, labels),
    removeSeries(metrics.auditSequence, labels),
    removeSeries(metrics.auditHead, labels),
  ]);
}
