import type { Catalogue } from "./catalogue.ts";

/** A rule of Prometheus's alerting, as its rule files name the fields. */
export type AlertRule = {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: "critical" | "warning" | "info" };
  readonly annotations: { readonly summary: string; readonly description: string };
};
export type RuleFile = { readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[] };

/**
 * The alert rules that ship with the chart. Metrics are named through the catalogue, so that a rule cannot name one that
 * does not exist.
 */
export function alertRules({ monitor, gateway, operator }: Catalogue): RuleFile {
  const service = "by (namespace, service)";
  const raised = (signal: string): string => `max ${service} (${monitor.alarm.name}{signal="${signal}"}) == 1`;
  const share = (part: string, whole: string): string =>
    `sum ${service} (rate(${part}[5m])) / sum ${service} (rate(${whole}[5m]))`;
  const about = "{{ $labels.namespace }}/{{ $labels.service }}";

  return {
    groups: [
      {
        name: "evenkeel.signals",
        rules: [
          rule("EvenkeelRepresentationDrift", "warning", raised("RepresentationDrift"), undefined, {
            summary: `Representations of ${about} have drifted`,
            description: "What is embedded differs from the accepted reference. A trigger may start a retraining.",
          }),
          rule("EvenkeelAdversarialAnomaly", "critical", raised("AdversarialAnomaly"), undefined, {
            summary: `${about} is probably under attack`,
            description: "More inputs than minShare move far when they are squeezed, which drifted inputs do not.",
          }),
          rule("EvenkeelModelChanged", "critical", raised("ModelChanged"), undefined, {
            summary: `A pod of ${about} answers its canary probes differently`,
            description: "Its vectors do not go with the index. The gateway gives it no traffic.",
          }),
          rule("EvenkeelShiftFromBaseline", "info", raised("ShiftFromBaseline"), undefined, {
            summary: `Traffic of ${about} is no longer what was first approved`,
            description: "Accepted references do not reset this signal; a new baseline takes a person's approval.",
          }),
        ],
      },
      {
        name: "evenkeel.monitor",
        rules: [
          rule("EvenkeelBlocksStale", "warning", `time() - max ${service} (${monitor.lastBlock.name}) > 900`, "5m", {
            summary: `No statistics of ${about} for over 15 minutes`,
            description: "Signals are NoData. Look at the gateway that holds the service's Lease.",
          }),
          rule("EvenkeelLearningLong", "warning", `max ${service} (${monitor.learning.name}) == 1`, "6h", {
            summary: `A signal of ${about} has been learning for six hours`,
            description:
              "It has no reference or calibration yet, or too small a one, so it says NoData: evenkeel status says which.",
          }),
          rule(
            "EvenkeelStatisticsDropped",
            "warning",
            `${share(`${monitor.vectors.name}{result="dropped"}`, monitor.vectors.name)} > 0.05`,
            "15m",
            {
              summary: `Over 5% of the vectors of ${about} are left out of the statistics`,
              description: "The gateway's queue is full. Give the gateway more CPU or replicas.",
            },
          ),
          rule(
            "EvenkeelUnscoredRequests",
            "warning",
            `${share(`${gateway.protectedRequests.name}{action="unscored"}`, gateway.protectedRequests.name)} > 0.1`,
            "5m",
            {
              summary: `Over 10% of the requests of ${about} pass unscored while protection is on`,
              description: "They are over protection.maxDelay or protection.maxBytes.",
            },
          ),
        ],
      },
      {
        name: "evenkeel.gateway",
        rules: [
          rule(
            "EvenkeelGatewayErrors",
            "warning",
            // Nobody waits for the answers to copies.
            `${share(`${gateway.requests.name}{pool!="mirror",code=~"5.."}`, `${gateway.requests.name}{pool!="mirror"}`)} > 0.05`,
            "5m",
            {
              summary: `Over 5% of the requests to ${about} fail`,
              description: "Compare pools: a candidate is rolled back by its analysis, the stable pool is not.",
            },
          ),
          rule(
            "EvenkeelNoReadyPods",
            "critical",
            `sum ${service} (${gateway.readyPods.name}{pool="stable"}) == 0`,
            "1m",
            {
              summary: `${about} has no pod that may get traffic`,
              description: "Pods are not ready, or their canary probes do not match their model.",
            },
          ),
          rule(
            "EvenkeelInvalidVectors",
            "critical",
            `sum ${service} (rate(${gateway.invalidVectors.name}{pool="stable"}[5m])) > 0`,
            "5m",
            {
              summary: `${about} answers with invalid vectors`,
              description: "They are not finite, or of another length or norm than the model's.",
            },
          ),
          rule(
            "EvenkeelCertificateBroken",
            "warning",
            `sum ${service} (increase(${gateway.certificateLoads.name}{result="failed"}[1h])) > 0`,
            undefined,
            {
              summary: `A renewed certificate of ${about} cannot be used`,
              description: "Gateways go on with the one before, until it expires. Their log names the file.",
            },
          ),
        ],
      },
      {
        name: "evenkeel.operator",
        rules: [
          rule("EvenkeelNoLeader", "critical", `sum(${operator.leader.name}) != 1`, "5m", {
            summary: "Not exactly one operator leads",
            description: "Nothing is decided, protected or rolled back while there is none.",
          }),
          rule(
            "EvenkeelSignalUnknown",
            "warning",
            `max by (namespace, service, trigger) (${operator.verdicts.name}{verdict=~"NoData|SourceError"}) == 1`,
            "30m",
            {
              summary: `Trigger {{ $labels.trigger }} of ${about} cannot be judged`,
              description: "Unknown is never a pass and never a fail: nothing is triggered by it.",
            },
          ),
          rule(
            "EvenkeelCircuitOpen",
            "warning",
            `max by (namespace, service, class) (${operator.circuitOpen.name}) == 1`,
            undefined,
            {
              summary: `Retraining of ${about} for cause class {{ $labels.class }} has stopped`,
              description: "Too many runs in a row failed or were rejected.",
            },
          ),
          rule("EvenkeelAuditWentBack", "critical", `resets(${operator.auditSequence.name}[1h]) > 0`, undefined, {
            summary: `The audit chain of ${about} has become shorter`,
            description: "Run evenkeel audit verify.",
          }),
        ],
      },
    ],
  };
}

function rule(
  alert: string,
  severity: AlertRule["labels"]["severity"],
  expr: string,
  holds: string | undefined,
  annotations: AlertRule["annotations"],
): AlertRule {
  return { alert, expr, ...(holds === undefined ? {} : { for: holds }), labels: { severity }, annotations };
}
