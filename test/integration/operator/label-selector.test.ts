import { afterAll, beforeAll, expect, it } from "vitest";
import { configMaps, type Kube, namespaces } from "../../../src/kube/index.ts";
import { type LabelSelector, selectorText, selects } from "../../../src/operator/label-selector.ts";
import { connectShared, freshNamespace } from "../kube/cluster.ts";

/** Objects by their labels; what a selector makes of them is the API server's to say. */
const objects: Record<string, Record<string, string>> = {
  stable: { app: "embedder", track: "stable" },
  canary: { app: "embedder", track: "canary" },
  untracked: { app: "embedder" },
  blank: { app: "embedder", track: "" },
  other: { app: "other", "example.com/tier": "a.b-c_d" },
};

let kube: Kube;
let namespace: string;

beforeAll(async () => {
  kube = await connectShared();
  namespace = await freshNamespace(kube, "selector");
  for (const [name, labels] of Object.entries(objects)) {
    await kube.create(configMaps, { metadata: { name, namespace, labels: { ...labels, test: "selector" } } });
  }
});
afterAll(async () => {
  await kube.delete(namespaces, { name: namespace });
  await kube.close();
});

const among = (key: string, operator: string, ...values: string[]) => ({ key, operator, values });

it.each<[LabelSelector]>([
  [{ matchLabels: { app: "embedder" } }],
  [{ matchLabels: { app: "embedder", track: "" } }],
  [{ matchLabels: { "example.com/tier": "a.b-c_d" } }],
  [{ matchExpressions: [among("track", "In", "stable", "canary")] }],
  [{ matchExpressions: [among("track", "In", "", "canary")] }],
  [{ matchExpressions: [among("track", "NotIn", "canary")] }],
  [{ matchExpressions: [among("track", "NotIn", "")] }],
  [{ matchExpressions: [{ key: "track", operator: "Exists" }] }],
  [{ matchExpressions: [{ key: "example.com/tier", operator: "DoesNotExist" }] }],
  [
    {
      matchLabels: { app: "embedder" },
      matchExpressions: [among("track", "NotIn", "canary"), { key: "track", operator: "Exists" }],
    },
  ],
])("%j selects what the API server lists by its text", async (selector) => {
  const text = selectorText({ ...selector, matchLabels: { ...selector.matchLabels, test: "selector" } });
  const { items } = await kube.list(configMaps, { namespace, labelSelector: text });
  const listed = items.map(({ metadata }) => metadata.name).sort();
  const chosen = Object.keys(objects).filter((name) => selects(selector, objects[name] ?? {}));
  expect(listed).toEqual(chosen.sort());
  expect(listed.length).toBeGreaterThan(0);
  expect(listed.length).toBeLessThan(Object.keys(objects).length);
});
