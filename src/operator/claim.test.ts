import { describe, expect, it } from "vitest";
import { awaitsField, fieldTaken } from "./claim.ts";
import { serviceFixture } from "./service.fixture.ts";

const named = (name: string, minute: number, spec: object = {}, metadata: object = {}) =>
  serviceFixture({
    metadata: { name, uid: name, creationTimestamp: `2026-11-24T08:0${minute}:00Z`, ...metadata },
    spec,
  });
const shop = named("shop", 1);

describe("a variable that two services name", () => {
  it("is the older one's, and the younger is told whose", () => {
    const younger = named("shop-two", 2);
    const both = [younger, shop];
    expect(fieldTaken(shop, both)).toBeNull();
    expect(fieldTaken(younger, both)).toEqual({
      reason: "WorkloadTaken",
      message: expect.stringMatching(/^MODEL_URI of Deployment embedder is set by EmbeddingService shop, /),
    });
    expect(fieldTaken(younger, [younger])).toBeNull();
  });

  it("is one's of two of the same second, the same to both", () => {
    const other = named("another", 1);
    expect(fieldTaken(other, [shop, other])).toBeNull();
    expect(fieldTaken(shop, [shop, other])?.message).toContain("EmbeddingService another");
  });

  it("is awaited by those that are stalled by it, and nobody else", () => {
    const stalled = (reason: string) => ({
      type: "Stalled",
      status: "True",
      reason,
      lastTransitionTime: "2026-11-24T08:00:00Z",
    });
    const waiting = (reason: string) => serviceFixture({ status: { conditions: [stalled(reason)] } });
    expect([waiting("WorkloadTaken"), waiting("NameTaken"), shop].map(awaitsField)).toEqual([true, false, false]);
  });

  it.each([
    ["another Deployment", named("b", 0, { workloadRef: { name: "other" } })],
    ["another container", named("b", 0, { model: { container: "side", env: "MODEL_URI" } })],
    ["another variable", named("b", 0, { model: { container: "main", env: "OTHER" } })],
    ["another namespace", named("b", 0, {}, { namespace: "ads" })],
  ])("is not the same in %s", (_, other) => {
    expect(fieldTaken(shop, [other, shop])).toBeNull();
  });
});
