import type { StoreError } from "../registry/index.ts";
import type { ExitCode } from "./command-error.ts";

/** How a command ends that could not read from a store what its user named. */
export function howNotRead({ reason }: StoreError): Exclude<ExitCode, "done"> {
  if (reason === "NotFound") return "notFound";
  return reason === "BadUri" ? "usage" : "verificationFailed";
}
