import { usesTraffic } from "./resources.ts";
import type { Observed } from "./world.ts";

/** Why a run for a drift could not accept what came into the new version's reference; null when it could. */
export function noTraffic({ service, snapshot }: Pick<Observed, "service" | "snapshot">): string | null {
  if (service.spec.dataset.traffic.capture === "Off") return "dataset.traffic.capture is Off";
  if (!usesTraffic(service, { class: "Drift" })) return "no gate has the metric ShiftedAccuracy";
  return snapshot && snapshot.samples > 0 ? null : "no sample is captured yet";
}

/**
 * Said as soon as it is seen, not when the alarm is on: what was not captured then is gone. No preset learns from traffic
 * (docs/decisions/0010), so that a run goes ahead without it; but an alarm whose cause nothing accepts comes back.
 */
export function trafficAvailable(
  world: Pick<Observed, "service" | "snapshot">,
): [holds: boolean, reason: string, message: string] {
  const { retraining, triggers } = world.service.spec;
  const trigger = triggers.find(
    ({ signal, then }) => signal === "RepresentationDrift" && (then === "Retrain" || then === "ProtectAndRetrain"),
  );
  if (!retraining || !trigger) return [true, "NotNeeded", ""];
  const why = noTraffic(world);
  if (why === null) return [true, "Captured", ""];
  const message =
    `trigger ${trigger.name} retrains for a drift, but ${why}: the new version cannot accept what came, ` +
    "so that its alarm comes back";
  return [false, "NoTrafficData", message];
}
