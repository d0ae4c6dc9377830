import type { KubeObject, Stored } from "../kube/index.ts";
import type { Turn } from "./ports.ts";
import type { Said } from "./said.ts";

/** Decisions that people should look at. */
const warnings: ReadonlySet<string> = new Set([
  "ProtectionStarted",
  "RolledBack",
  "RollbackStarted",
  "RunFailed",
  "RunRejected",
  "RunCancelled",
  "RunDeleted",
  "RunOutdated",
  "RolloutDeleted",
  "ResultLost",
]);

/** Events of decisions that are saved. */
export function recordSaid({ events }: Turn, regarding: Stored<KubeObject>, said: readonly Said[]): void {
  for (const { kind, subject, facts } of said) {
    const words = Object.entries(facts).map(
      ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    events.record({
      regarding,
      type: warnings.has(kind) ? "Warning" : "Normal",
      reason: kind,
      note: `${subject}: ${words.join(" ")}`,
    });
  }
}
