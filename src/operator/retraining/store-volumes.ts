import { type Retraining, reportsOf, snapshotsName, storeName } from "../../api/index.ts";
import { storePath } from "../pod.ts";

type Mount = {
  readonly name: "store" | "traffic";
  readonly mountPath: string;
  readonly subPath: string;
  readonly readOnly?: true;
};

/**
 * What a Job is shown of the store, at the places where the whole store would have it: what it reads, and to write the
 * folders of what it makes. A trainer may be anybody's image: it sees neither an evaluation set that has a name of its own
 * nor other services' traffic, and cannot write where evaluations keep what they have measured, or reports lie.
 *
 * Folders are of names, with all digests of each: of a digest that is not in the store the kubelet would make an empty
 * folder, a corrupt artefact to all who read it afterwards.
 */
export function storeVolumes(run: Retraining, role: "train" | "evaluate") {
  const { claimName, trafficClaimName = claimName } = run.spec;
  const apart = trafficClaimName !== claimName;
  const { read, write } = role === "train" ? ofTraining(run) : ofEvaluation(run);
  const written = new Set(write);
  const mounts = [...new Set([...write, ...read])].map((subPath): Mount => {
    const place = { mountPath: `${storePath}/${subPath}`, subPath };
    const name = apart && subPath.startsWith("traffic/") ? "traffic" : "store";
    return written.has(subPath) ? { name, ...place } : { name, ...place, readOnly: true };
  });
  const claims = { store: claimName, ...(apart && { traffic: trafficClaimName }) };
  return {
    volumes: Object.entries(claims).map(([name, claim]) => ({ name, persistentVolumeClaim: { claimName: claim } })),
    mounts,
  };
}

type Folders = { readonly read: readonly string[]; readonly write: readonly string[] };

/** The new model lies beside its parent; the first of a model outside the store, under the service's name. */
function ofTraining({ metadata, spec }: Retraining): Folders {
  const { parent, firstVersion, dataset, serviceRef } = spec;
  return {
    read: [...namesOf(firstVersion?.uri, dataset.reference), ...trafficOf(metadata.namespace, spec)],
    write: [storeName(parent.uri) ?? `models/${serviceRef.name}`, `runs/${metadata.namespace}/${metadata.name}`],
  };
}

function ofEvaluation({ metadata, spec, status }: Retraining): Folders {
  const { parent, baseline, dataset } = spec;
  return {
    read: [
      ...namesOf(status.bundle, parent.uri, baseline.uri, dataset.reference, dataset.evaluation),
      ...trafficOf(metadata.namespace, spec),
    ],
    write: [...namesOf(status.bundle).map(reportsOf), `evaluations/${metadata.namespace}/${metadata.name}`],
  };
}

/** The run's snapshot, and those that the parent's reference was accepted with. */
function trafficOf(namespace: string, { serviceRef, traffic }: Retraining["spec"]): string[] {
  return [snapshotsName(namespace, serviceRef.name), ...namesOf(traffic)];
}

/** What is not in the store cannot be shown: the container says so. */
function namesOf(...uris: readonly (string | undefined)[]): string[] {
  return uris.flatMap((uri) => (uri === undefined ? [] : (storeName(uri) ?? [])));
}
