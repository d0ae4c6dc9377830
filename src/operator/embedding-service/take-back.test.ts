import { expect, it } from "vitest";
import type { Service, Stored } from "../../kube/index.ts";
import { serviceFixture } from "../service.fixture.ts";
import { isReleasedBy, releaseMark, takenBack } from "./take-back.ts";

const stored = { uid: "new", resourceVersion: "1", creationTimestamp: "2026-11-24T08:00:00Z" };
const { metadata, ...rest } = serviceFixture();
const shop = { ...rest, metadata: { ...metadata, ...stored } };

function left(change: Partial<Stored<Service>["metadata"]> = {}): Stored<Service> {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "shop-gateway",
      namespace: "search",
      ...stored,
      uid: "s",
      labels: { team: "search" },
      annotations: { ...releaseMark(shop), note: "kept" },
      ...change,
    },
    spec: { type: "LoadBalancer", clusterIP: "10.0.0.7", selector: { app: "embedder" }, ports: [{ port: 80 }] },
  };
}

const named = (change: object) => serviceFixture({ metadata: change });

it.each([
  ["one without a mark", left({ annotations: { "evenkeel.dev/desired": "x" } }), shop],
  ["one that another service left", left(), named({ name: "shoes" })],
  ["a copy from another namespace", left(), named({ namespace: "ads" })],
  [
    "one that somebody owns now",
    left({ ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", uid: "x" }] }),
    shop,
  ],
])("does not take %s for its own", (_, existing, service) => {
  expect(isReleasedBy(existing, service)).toBe(false);
});

it("takes back what it left, with its address and what others added, and without the mark", () => {
  expect(isReleasedBy(left(), shop)).toBe(true);
  const back = takenBack(left(), shop);
  expect(back.metadata).toMatchObject({
    uid: "s",
    resourceVersion: "1",
    labels: { team: "search", "evenkeel.dev/service": "shop", "evenkeel.dev/gateway": "shop" },
    ownerReferences: [{ kind: "EmbeddingService", name: "shop", uid: "new", controller: true }],
  });
  expect(back.metadata.annotations).toEqual({ note: "kept" });
  expect(back.spec).toMatchObject({
    type: "LoadBalancer",
    clusterIP: "10.0.0.7",
    selector: { "evenkeel.dev/gateway": "shop" },
    ports: [{ name: "http", port: 8080, targetPort: 8080 }],
  });
});
