import type { EmbeddingService } from "../api/index.ts";
import { each, type Key, type KubeObject, mapped, type Source, type Stored } from "../kube/index.ts";
import { byService, type Caches } from "./caches.ts";
import { awaitsField } from "./claim.ts";
import { labels } from "./labels.ts";

/** What makes each controller look at which of its objects. */
export function sourcesOf(caches: Caches, resyncMs: number) {
  const resync = { resyncMs };
  const index = (key: Key): string => `${key.namespace}/${key.name}`;
  const keysOf = (objects: readonly KubeObject[]): Key[] =>
    objects.map(({ metadata: { namespace, name } }) => ({ namespace, name }));
  const runsOf = (service: Key): Key[] => keysOf(caches.retrainings.by(byService, index(service)));
  const rolloutsOf = (service: Key): Key[] => keysOf(caches.modelRollouts.by(byService, index(service)));
  const versionsOf = (service: Key): Key[] => keysOf(caches.modelVersions.by(byService, index(service)));
  const self = ({ metadata: { namespace, name } }: KubeObject): Key => ({ namespace, name });
  const users = (test: (service: EmbeddingService) => boolean, namespace: string | undefined): Key[] =>
    [...caches.embeddingServices.list(namespace)].filter(test).map(self);

  /** Services whose workload it is, or that own it. */
  const ofDeployment = (object: Stored<KubeObject>): Key[] => {
    const { namespace, name } = object.metadata;
    return [...labelled(object), ...users(({ spec }) => spec.workloadRef.name === name, namespace)];
  };
  /** A service that goes, or takes another workload, may leave its field to one that waits for it. */
  const ofRival = ({ metadata }: EmbeddingService): Key[] => users(awaitsField, metadata.namespace);
  const ofClaim = ({ metadata: { namespace, name } }: KubeObject): Key[] =>
    users(
      ({ spec: { store, dataset } }) => name === store.claimName || name === dataset.traffic.store?.claimName,
      namespace,
    );
  const ofThreatModel = ({ metadata: { namespace, name } }: KubeObject): Key[] =>
    users(({ spec }) => spec.retraining?.threatModelRef.name === name, namespace);
  const throughService = (to: (service: Key) => Key[]) => (object: Stored<KubeObject>) => labelled(object).flatMap(to);

  return {
    embeddingServices: [
      each(caches.embeddingServices, resync),
      mapped(caches.embeddingServices, ofRival),
      mapped(caches.deployments, ofDeployment),
      mapped(caches.claims, ofClaim),
      mapped(caches.threatModels, ofThreatModel),
      mapped(caches.retrainings, referenced),
      mapped(caches.modelRollouts, referenced),
      mapped(caches.modelVersions, referenced),
      mapped(caches.pods, gatewayOf),
      mapped(caches.configMaps, labelled),
      mapped(caches.services, labelled),
      mapped(caches.serviceAccounts, labelled),
      mapped(caches.roles, labelled),
      mapped(caches.roleBindings, labelled),
      // Gateways renew theirs each second; only one that is gone is to be made again.
      mapped(caches.leases, (lease, { type }) => (type === "Deleted" ? labelled(lease) : [])),
      mapped(caches.disruptionBudgets, labelled),
    ],
    threatModels: [each(caches.threatModels, resync)],
    retrainings: [
      each(caches.retrainings, resync),
      mapped(caches.embeddingServices, (service) => runsOf(self(service))),
      mapped(caches.jobs, runOf),
      mapped(caches.pods, runOf),
      mapped(caches.modelVersions, (version) => referenced(version).flatMap(runsOf)),
    ],
    modelVersions: [
      each(caches.modelVersions, resync),
      mapped(caches.embeddingServices, (service) => versionsOf(self(service))),
      mapped(caches.modelRollouts, (rollout) => referenced(rollout).flatMap(versionsOf)),
      mapped(caches.retrainings, (run) => referenced(run).flatMap(versionsOf)),
    ],
    modelRollouts: [
      each(caches.modelRollouts, resync),
      mapped(caches.embeddingServices, (service) => rolloutsOf(self(service))),
      mapped(caches.deployments, (deployment) => ofDeployment(deployment).flatMap(rolloutsOf)),
      mapped(caches.configMaps, throughService(rolloutsOf)),
      mapped(caches.pods, (pod) => gatewayOf(pod).flatMap(rolloutsOf)),
    ],
  } satisfies Record<string, Source[]>;
}

function byLabel(label: string): (object: Stored<KubeObject>) => Key[] {
  return ({ metadata: { namespace, labels: own } }) => {
    const name = own?.[label];
    return name === undefined ? [] : [{ namespace, name }];
  };
}

const labelled = byLabel(labels.service);
const gatewayOf = byLabel(labels.gateway);
const runOf = byLabel(labels.run);

function referenced({
  metadata,
  spec,
}: KubeObject & { readonly spec: { readonly serviceRef: { readonly name: string } } }): Key[] {
  return [{ namespace: metadata.namespace, name: spec.serviceRef.name }];
}
