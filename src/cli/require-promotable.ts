import type { EmbeddingService } from "../api/index.ts";
import { CommandError } from "./command-error.ts";

/**
 * A rollout whose workload's field is somebody else's ends as soon as it begins: nobody waits for that.
 *
 * @throws {CommandError} with whose it is and what frees it
 */
export function requirePromotable({ metadata, status }: EmbeddingService): void {
  const said = status.conditions.find(({ type }) => type === "Promotable");
  if (said?.status !== "False" || said.reason !== "FieldOwnedBy") return;
  throw new CommandError("refused", `${metadata.name} can be given no other model: ${said.message}`);
}
