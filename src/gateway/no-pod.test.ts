import { expect, it } from "vitest";
import { noPod } from "./no-pod.ts";
import type { ProbeState } from "./pod-directory.ts";

const wanted = { service: "products", port: 8080, model: "a" };
const silent: ProbeState = { kind: "Unanswered", why: "pod-0: connect ECONNREFUSED 10.0.0.2:8080" };
const unprobed: ProbeState = { kind: "Unprobed" };

const pod = (probe: ProbeState, { ready = true, digest = "a" } = {}) => ({
  identity: { uid: "1", name: "pod-0", address: "10.0.0.2", digest, ready },
  probe,
});

it("says that no pod answers on the port when every ready one of the model was asked in vain", () => {
  expect(noPod(wanted, [pod(silent), pod(silent), pod(unprobed, { ready: false })], [])).toEqual({
    title: "No pod answers",
    detail: "no pod of products answers on port 8080: pod-0: connect ECONNREFUSED 10.0.0.2:8080",
  });
});

it.each([
  ["there is none", [], /^of 0 pods 0 serve a, 0 of them are ready/],
  ["none is ready", [pod(silent, { ready: false })], /^of 1 pods 1 serve a, 0 of them are ready/],
  ["one has not been asked yet", [pod(silent), pod(unprobed)], /2 of them are ready, 0 of those do not match/],
  ["only another model's is silent", [pod(silent, { digest: "b" })], /^of 1 pods 0 serve a/],
])("says that no pod is ready when %s", (_, entries, detail) => {
  expect(noPod(wanted, entries, [])).toEqual({ title: "No pod is ready", detail: expect.stringMatching(detail) });
});

it("names pods that are not of the Deployment", () => {
  expect(noPod(wanted, [], ["stray"]).detail).toMatch(/; not of its Deployment: stray$/);
});
