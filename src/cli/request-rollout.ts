import { type EmbeddingService, type ModelRollout, type ModelVersion, modelRollout } from "../api/index.ts";
import { modelRollouts } from "../kinds.ts";
import { ownerReference, type Stored } from "../kube/index.ts";
import { type Overview, overview, readObjects } from "../overview/index.ts";
import type { Cluster } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { requestedRollout, rollbackUnderWay } from "./requested-rollout.ts";
import { whoAmI } from "./who-am-i.ts";

/** The rollout that a person asked for: made now, or the same rollback that is under way already. */
export interface Requested {
  readonly kind: "Made" | "UnderWay";
  readonly rollout: ModelRollout;
}

/** Makes the rollout that a person asks for; the operator gives it its turn. */
export async function requestRollout(
  { kube, namespace }: Cluster,
  service: Stored<EmbeddingService>,
  {
    reason,
    gradually,
    choose,
  }: {
    readonly reason: "Manual" | "Rollback";
    readonly gradually: boolean;
    /** @throws {CommandError} when there is none to choose */
    readonly choose: (view: Overview) => ModelVersion;
  },
): Promise<Requested> {
  const { name } = service.metadata;
  const active = service.status.activeVersion;
  if (!active) throw new CommandError("refused", `no version of ${name} is active yet: is the operator running?`);
  const view = overview(await readObjects(kube, namespace)).find(({ service: { metadata } }) => metadata.name === name);
  if (!view) throw new CommandError("notFound", `service ${name} was deleted`);
  const to = choose(view);
  if (to.spec.digest === active.digest) throw new CommandError("refused", `${to.metadata.name} is active already`);
  const underWay = reason === "Rollback" ? rollbackUnderWay(active, to, view.rollouts) : undefined;
  if (underWay) return { kind: "UnderWay", rollout: underWay };
  const request = { reason, gradually, by: await whoAmI(kube), at: new Date().toISOString() };
  const { metadata, spec } = requestedRollout(service, active, to, view.rollouts, request);
  const { apiVersion, kind } = modelRollouts;
  const ownerReferences = [{ ...ownerReference(service), controller: true }];
  const wanted = modelRollout.parse({ apiVersion, kind, metadata: { ...metadata, ownerReferences }, spec });
  return { kind: "Made", rollout: await kube.create(modelRollouts, wanted) };
}
