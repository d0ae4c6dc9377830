import { milliseconds } from "../../api/index.ts";
import { instant, time } from "../instant.ts";
import type { Rule } from "../rule.ts";
import type { Observed, SignalState } from "./world.ts";

/** Whether gateways score before they answer, and why. */
export type Protection =
  | { readonly kind: "Off"; readonly why: "Never" | "Quiet" }
  | { readonly kind: "On"; readonly since: string; readonly quietSince: string | null; readonly trigger: string };

/** Nothing holds protection back: not suspension, not cooldown, not a budget, not the audit trail (decision 25). */
export const protect: readonly Rule<Observed, Protection>[] = [endProtection, keepProtecting, protectOnAttack];

export const unprotected: Protection = { kind: "Off", why: "Never" };

/** Its end waits for the trail, unlike its start: so there is room for the entry of one start, and no more are needed. */
function endProtection({ service, signals, trail }: Observed, now: number): Protection | null {
  const { active, quietSince } = service.status.protection ?? {};
  if (!active || trail || quietSince === undefined || !quiet(signals)) return null;
  const releaseAfter = milliseconds(service.spec.gateway.protection.releaseAfter);
  return now - time(quietSince) >= releaseAfter ? { kind: "Off", why: "Quiet" } : null;
}

function keepProtecting({ service, signals }: Observed, now: number): Protection | null {
  const { active, since, quietSince, trigger } = service.status.protection ?? {};
  if (!active) return null;
  return {
    kind: "On",
    since: since ?? instant(now),
    quietSince: quiet(signals) ? (quietSince ?? instant(now)) : null,
    trigger: trigger ?? "",
  };
}

function protectOnAttack({ signals }: Observed, now: number): Protection | null {
  const attack = signals.find((signal) => protects(signal) && signal.held);
  return attack ? { kind: "On", since: instant(now), quietSince: null, trigger: attack.trigger.name } : null;
}

function protects({ trigger }: SignalState): boolean {
  return trigger.then === "Protect" || trigger.then === "ProtectAndRetrain";
}

/** Unknown is not quiet: an attacker who silences the source does not switch protection off. */
function quiet(signals: readonly SignalState[]): boolean {
  return signals.filter(protects).every(({ status }) => status.verdict === "Pass");
}
