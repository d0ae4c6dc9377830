import { type AuditStatus, mostPending } from "../api/index.ts";

/** How many more entries may wait while the trail cannot be written. */
export function roomIn({ pending }: Pick<AuditStatus, "pending">): number {
  return mostPending - pending.length;
}
