import type { AnalysisCheck, CheckStatus, ModelRollout } from "../../api/index.ts";
import {
  advanceHold,
  analysisQuery,
  evaluate,
  fillPlaceholders,
  type LimitSignal,
  type Prometheus,
  type RolloutScope,
  type Verdict,
} from "../../signals/index.ts";
import { time } from "../instant.ts";
import type { Stalled } from "../rule.ts";
import { outlook } from "./outlook.ts";
import { checksOf, type Plan, planOf } from "./plan.ts";
import { analysisInterval } from "./step.ts";
import type { Analysis } from "./world.ts";

/** Rates are taken over at least some scrapes, and over no more than what is still of now. */
const window = { least: 15_000, most: 300_000 } as const;

/**
 * Looks at the checks when it is time, so that failures in a row are seen in looks of their own; null when it is not, or
 * while there is nothing to look at.
 */
export async function analyse(
  rollout: ModelRollout,
  source: Prometheus | Stalled,
  now: number,
): Promise<Analysis | null> {
  const plan = planOf(rollout, now);
  if (!plan) return null;
  const { status, spec } = rollout;
  const interval = analysisInterval(plan.length);
  if (status.analysedAt !== undefined && now - time(status.analysedAt) < interval * 0.9) return null;
  const scope: RolloutScope = {
    namespace: rollout.metadata.namespace,
    service: spec.serviceRef.name,
    stable: spec.from.digest,
    candidate: spec.to.digest,
    window: Math.min(window.most, Math.max(window.least, plan.length)),
    stage: plan.kind,
  };
  const checks = await Promise.all(
    checksOf(spec.policy.analysis, plan).map(async (check) =>
      statusOf(check, status, foreseen(check, plan, rollout, scope.window, now, await look(check, scope, source, now))),
    ),
  );
  const verdict = overall(checks);
  const hold = advanceHold(
    {
      onset: time(status.stepStartedAt ?? status.promotedAt ?? ""),
      seconds: status.heldFor,
      countedTo: time(status.heldTo ?? status.stepStartedAt ?? status.promotedAt ?? ""),
      holding: status.verdict === "Pass",
    },
    { kind: verdict, at: now },
    "Pass",
    Math.max(2.5 * interval, 3000),
  );
  const heldTo = hold.onset === null ? now : hold.countedTo;
  return { at: now, verdict, checks, heldFor: hold.seconds, heldTo };
}

type Look = Pick<Verdict, "kind" | "value" | "threshold" | "samples" | "message">;

/** With what to do when there will never be enough samples. */
function foreseen(
  check: AnalysisCheck,
  plan: Plan,
  { status }: ModelRollout,
  seenOver: number,
  now: number,
  seen: Look,
): Look {
  if (seen.kind !== "NoData" || status.stepStartedAt === undefined) return seen;
  const elapsed = now - time(status.stepStartedAt);
  const said = outlook({ check, plan, samples: seen.samples, window: seenOver, elapsed }, window.most);
  return said === null ? seen : { ...seen, message: `${seen.message}; ${said}` };
}

async function look(
  check: AnalysisCheck,
  scope: RolloutScope,
  source: Prometheus | Stalled,
  now: number,
): Promise<Look> {
  if ("reason" in source) {
    return { kind: "SourceError", value: null, threshold: null, samples: null, message: source.message };
  }
  const limits = { above: check.above, below: check.below, maxAge: window.most };
  return await evaluate(signalOf(check, scope, limits), source, { now: () => now });
}

function signalOf(
  check: AnalysisCheck,
  scope: RolloutScope,
  limits: Pick<LimitSignal, "above" | "below" | "maxAge">,
): LimitSignal {
  if (check.metric === "PromQL") {
    const { window: _, stage: __, ...names } = scope;
    return { kind: "PromQL", query: fillPlaceholders(check.promql ?? "", names), ...limits };
  }
  const { query, samplesQuery } = analysisQuery(check.metric, scope);
  return { kind: "PromQL", query, ...limits, samples: { query: samplesQuery, atLeast: check.minSample } };
}

/** What a look adds to what is known of a check. */
export function statusOf(
  check: AnalysisCheck,
  { phase, analysis }: Pick<ModelRollout["status"], "phase" | "analysis">,
  { kind, value, threshold, samples, message }: Look,
): CheckStatus {
  const { failures = 0, failed = 0 } = analysis.find(({ name }) => name === check.name) ?? {};
  return {
    name: check.name,
    verdict: kind,
    value: finite(value),
    limit: finite(threshold),
    samples: finite(samples),
    // What is unknown neither adds to failures in a row nor ends them.
    failures: kind === "Fail" ? failures + 1 : kind === "Pass" ? 0 : failures,
    // Only what keeps a step from being passed: a watch may be long, and time that people take is theirs.
    failed: kind === "Fail" && phase === "Progressing" ? failed + 1 : failed,
    message: message.slice(0, 512),
  };
}

/** One failure is a failure; without one, one unknown is unknown. No checks prove nothing. */
export function overall(checks: readonly Pick<CheckStatus, "verdict">[]): Analysis["verdict"] {
  for (const kind of ["Fail", "SourceError", "NoData"] as const) {
    if (checks.some(({ verdict }) => verdict === kind)) return kind;
  }
  return checks.length > 0 ? "Pass" : "NoData";
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
