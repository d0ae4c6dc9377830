import type { EventRecorderOptions } from "../kube/index.ts";
import type { log } from "./log.ts";

/** Events that are lost are counted; why is logged once for each reason, as it is often the same for all of them. */
export function eventLosses(
  count: (reason: string) => void,
  say: typeof log,
): Required<Pick<EventRecorderOptions, "onFault" | "onDropped">> {
  const said = new Set<string>();
  const lost = (reason: string, message: string): void => {
    count(reason);
    if (said.has(reason)) return;
    said.add(reason);
    say("warn", `an event was lost: ${message}`, { reason });
  };
  return {
    onFault: (error) => lost(error.kind, error.message),
    onDropped: ({ regarding: { kind, metadata }, reason }) =>
      lost("Dropped", `${reason} of ${kind} ${metadata.namespace}/${metadata.name}: it has had too many`),
  };
}
