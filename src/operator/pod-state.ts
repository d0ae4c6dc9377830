import type { Pod } from "./objects.ts";

export function isReady({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
}

/** What a container waits for on its ordinary way to run. */
const starting: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

/** Why a pod does not run, as its scheduler or its node says it; null while it starts, runs or has ended. */
export function troubleOf({ metadata, status = {} }: Pod): string | null {
  const { phase = "Pending", conditions = [], initContainerStatuses = [], containerStatuses = [] } = status;
  if (metadata.deletionTimestamp !== undefined || phase === "Succeeded" || phase === "Failed") return null;
  const subject = `Pod ${metadata.name} is ${phase}`;
  const unplaced = conditions.find(({ type, status: holds }) => type === "PodScheduled" && holds === "False");
  if (unplaced && phase === "Pending") return sentence(subject, unplaced.reason ?? "Unschedulable", unplaced.message);
  for (const { name, state } of [...initContainerStatuses, ...containerStatuses]) {
    const { reason = "", message } = state?.waiting ?? {};
    if (reason !== "" && !starting.has(reason)) return sentence(subject, `${reason} of container ${name}`, message);
  }
  return null;
}

function sentence(subject: string, reason: string, message = ""): string {
  return `${subject}: ${reason}${message === "" ? "" : `: ${message}`}`.slice(0, 1024);
}
