import { type ModelRollout, modelRollout } from "../api/index.ts";

const end = (character: string) => {
  const digest = `sha256:${character.repeat(64)}`;
  return { version: `shop-${character}`, digest, uri: `store://models/shop@${digest}` };
};

/** The rollout `search/move` of the service `shop` from model a to model b, for tests of what follows from it. */
export function rolloutFixture(change: { metadata?: object; spec?: object; status?: object } = {}): ModelRollout {
  return modelRollout.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelRollout",
    metadata: { name: "move", namespace: "search", uid: "o", generation: 1, ...change.metadata },
    spec: { serviceRef: { name: "shop" }, from: end("a"), to: end("b"), policy: {}, ...change.spec },
    status: change.status,
  });
}
