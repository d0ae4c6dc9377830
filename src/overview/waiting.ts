import type { Retraining } from "../api/index.ts";

/** What a run that has not ended is held up by, or waits for; "" when it is at work. */
export function waitingFor({ status: { conditions } }: Retraining): string {
  const stalled = conditions.find(({ type, status }) => type === "Stalled" && status === "True");
  if (stalled) return `${stalled.reason}: ${stalled.message}`;
  return conditions.find(({ type, status }) => type === "Complete" && status === "False")?.message ?? "";
}
