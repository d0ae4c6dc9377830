import { done, type Requeue } from "../../kube/index.ts";
import { byService } from "../caches.ts";
import type { Turn } from "../ports.ts";
import { saveStatus } from "../save.ts";
import { decide, type Observed } from "./decide.ts";

export async function reconcile(turn: Turn): Promise<Requeue> {
  const { caches, key, clock } = turn;
  const version = caches.modelVersions.get(key);
  if (!version) return done;
  await saveStatus(turn, caches.modelVersions, version, decide(observe(turn, version), clock.now()));
  return done;
}

function observe({ caches, key }: Turn, version: Observed["version"]): Observed {
  const { namespace } = key;
  const { serviceRef, retrainingRef } = version.spec;
  const created = ({ metadata }: Observed["rollouts"][number]): string =>
    `${metadata.creationTimestamp} ${metadata.name}`;
  return {
    version,
    service: caches.embeddingServices.get({ namespace, name: serviceRef.name }),
    run: retrainingRef ? caches.retrainings.get({ namespace, name: retrainingRef.name }) : null,
    rollouts: caches.modelRollouts
      .by(byService, `${namespace}/${serviceRef.name}`)
      .filter(({ spec }) => spec.to.version === version.metadata.name)
      .toSorted((a, b) => (created(a) < created(b) ? -1 : 1)),
  };
}
