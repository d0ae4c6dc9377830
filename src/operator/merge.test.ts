import { describe, expect, it } from "vitest";
import { merge, shapeOf } from "./merge.ts";

describe("what is wanted", () => {
  const service = { selector: { app: "gateway" }, ports: [{ port: 80 }] };
  const there = { ...service, type: "LoadBalancer", selector: { app: "gateway", zone: "a" } };

  it("has a shape: its fields without their values, a list being one value", () => {
    expect(shapeOf({ ...service, left: undefined })).toEqual({ selector: { app: null }, ports: null });
  });

  it("is laid over what others have added", () => {
    const wanted = { selector: { app: "door" }, ports: [{ port: 8080 }] };
    expect(merge(there, shapeOf(service), wanted)).toEqual({
      type: "LoadBalancer",
      selector: { app: "door", zone: "a" },
      ports: [{ port: 8080 }],
    });
  });

  it.each([
    ["a value", { selector: service.selector }, { type: "LoadBalancer", selector: there.selector }],
    [
      "a map, but for what others have in it",
      { ports: service.ports },
      { type: "LoadBalancer", ports: service.ports, selector: { zone: "a" } },
    ],
    ["all", {}, { type: "LoadBalancer", selector: { zone: "a" } }],
  ])("and no longer, is gone: %s", (_, wanted, expected) => {
    expect(merge(there, shapeOf(service), wanted)).toEqual(expected);
  });

  it("leaves no empty map of its own behind", () => {
    expect(merge(service, shapeOf(service), {})).toEqual({});
  });

  it.each([null, "sha256:0", {}])("takes nothing away when it is not known what was wanted before: %j", (before) => {
    expect(merge(there, before, { ports: [] })).toEqual({ ...there, ports: [] });
  });

  it("takes the place of another kind of value", () => {
    expect(merge({ a: [1], b: { c: 1 } }, null, { a: { d: 1 }, b: "2" })).toEqual({ a: { d: 1 }, b: "2" });
  });
});
