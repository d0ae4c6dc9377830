import type { PodEntry } from "./pod-directory.ts";
import type { NoPod } from "./proxied-request.ts";

export type Wanted = { readonly service: string; readonly port: number; readonly model: string };

/**
 * Why no pod of a model may have traffic.
 *
 * @param strays  names of pods that have the workload's labels and are not of its Deployment
 */
export function noPod(
  { service, port, model }: Wanted,
  entries: readonly Pick<PodEntry, "identity" | "probe">[],
  strays: readonly string[],
): NoPod {
  const own = entries.filter(({ identity }) => identity.digest === model);
  const ready = own.filter(({ identity }) => identity.ready);
  const [silent, ...otherSilent] = ready.flatMap(({ probe }) => (probe.kind === "Unanswered" ? [probe.why] : []));
  if (silent !== undefined && otherSilent.length + 1 === ready.length) {
    return { title: "No pod answers", detail: `no pod of ${service} answers on port ${port}: ${silent}` };
  }
  const mismatched = ready.filter(({ probe }) => probe.kind === "Mismatched");
  const others = strays.length > 0 ? `; not of its Deployment: ${strays.slice(0, 5).join(", ")}` : "";
  return {
    title: "No pod is ready",
    detail: `of ${entries.length} pods ${own.length} serve ${model}, ${ready.length} of them are ready, ${mismatched.length} of those do not match their probes${others}`,
  };
}
