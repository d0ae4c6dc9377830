import type { EmbeddingServiceSpec } from "../../api/index.ts";
import type { PersistentVolumeClaim } from "../objects.ts";
import type { StoreProblem } from "./world.ts";

/** What keeps training from the store; null when its claim is bound to a volume that all can mount. */
export function storeProblem(
  claim: Pick<PersistentVolumeClaim, "spec" | "status"> | null,
  { claimName, oneNode }: EmbeddingServiceSpec["store"],
): StoreProblem | null {
  const name = `PersistentVolumeClaim ${claimName}`;
  if (!claim) return { kind: "Stalled", reason: "StoreMissing", message: `${name} does not exist` };
  const modes = claim.spec?.accessModes ?? [];
  // A claim that only one node can mount serves nobody on another (decision 34).
  if (!oneNode && !modes.includes("ReadWriteMany")) {
    const message = `${name} is ${modes.join(", ")}: it needs ReadWriteMany, or store.oneNode when all pods run on one node`;
    return { kind: "Stalled", reason: "StoreNotShared", message };
  }
  if (claim.status?.phase === "Lost") {
    return { kind: "Stalled", reason: "StoreLost", message: `${name} is Lost: the volume it was bound to is gone` };
  }
  // It may be bound only when a first pod uses it, which a gateway's does.
  if (claim.status?.phase === "Pending") {
    return { kind: "Wait", reason: "StoreUnbound", message: `${name} is Pending: no volume is bound to it yet` };
  }
  return null;
}
