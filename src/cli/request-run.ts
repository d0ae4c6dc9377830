import {
  type Cause,
  gatewayStateName,
  jsonOf,
  type MonitorState,
  monitorState,
  type Retraining,
  retraining,
} from "../api/index.ts";
import { retrainings, threatModels } from "../kinds.ts";
import { configMaps, ownerReference } from "../kube/index.ts";
import { retrainingOf } from "../operator/embedding-service/resources.ts";
import { notTrainable } from "../operator/embedding-service/trainable.ts";
import { causeId } from "../operator/identity.ts";
import type { Cluster } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { findService } from "./rollout-under-way.ts";
import { whoAmI } from "./who-am-i.ts";

/**
 * Makes a run by hand: what the operator would make of the service now, with the cause Manual.
 *
 * @throws {CommandError} refused, when the service is not such that a run can be made
 */
export async function requestRun(
  cluster: Cluster,
  name: string,
  { seed, dryRun }: { readonly seed?: number; readonly dryRun?: true },
): Promise<Retraining> {
  const { kube, namespace } = cluster;
  const service = await findService(cluster, name);
  const { activeVersion } = service.status;
  const ref = service.spec.retraining?.threatModelRef.name;
  if (ref === undefined) throw refused(name, "its spec has no retraining, so it is only watched");
  if (!activeVersion) throw refused(name, "none of its versions is active yet: is the operator running?");
  const foreign = notTrainable(service, activeVersion, []);
  if (foreign) throw refused(name, foreign);
  const threatModel = await kube.get(threatModels, { namespace, name: ref });
  if (!threatModel) throw refused(name, `its ThreatModel ${ref} does not exist`);
  if (threatModel.status.hash === undefined) {
    throw refused(name, `its ThreatModel ${ref} is not validated yet: is the operator running?`);
  }
  const state = await kube.get(configMaps, { namespace, name: gatewayStateName(name) });
  const snapshot = snapshotOf(state?.data?.["state.json"]);
  const at = new Date().toISOString();
  const by = await whoAmI(kube);
  const cause: Cause = {
    id: causeId({ service: service.metadata.uid, trigger: "manual", by, at }),
    class: "Manual",
    trigger: "manual",
    value: null,
    threshold: null,
    query: `asked for by ${by}`,
    at,
    dataDigest: "",
    generation: service.metadata.generation,
  };
  const { metadata, spec } = retrainingOf({ service, snapshot }, threatModel, cause, activeVersion);
  const { apiVersion, kind } = retrainings;
  const run = retraining.parse({
    apiVersion,
    kind,
    metadata: { ...metadata, ownerReferences: [{ ...ownerReference(service), controller: true }] },
    spec: seed === undefined ? spec : { ...spec, seed },
  });
  return await kube.create(retrainings, run, { dryRun });
}

function refused(name: string, why: string): CommandError {
  return new CommandError("refused", `${name} cannot be retrained: ${why}`);
}

function snapshotOf(text: string | undefined): MonitorState["snapshot"] {
  return monitorState.safeParse(jsonOf(text)).data?.snapshot ?? null;
}
