import { describe, expect, it } from "vitest";
import { commandOf, environmentOf, expand, resourceField } from "./environment.ts";
import { quantity } from "./quantity.ts";

const nothing = {
  podIP: "127.1.1.1",
  hostIP: "127.0.0.1",
  allocatable: { cpu: "8" },
  configMap: async () => null,
  secret: async () => null,
};
const image = { entrypoint: ["node", "main"], cmd: ["serve"], env: { A: "image", Z: "image" } };

describe("expand", () => {
  it.each([
    ["$(A)/$(B)", "1/2"],
    ["$(MISSING)", "$(MISSING)"],
    ["$$(A)", "$(A)"],
    ["$A ${A} $(", "$A ${A} $("],
  ])("turns %s into %s", (text, wanted) => {
    expect(expand(text, { A: "1", B: "2" })).toBe(wanted);
  });
});

describe("commandOf", () => {
  it.each([
    [{}, ["node", "main", "serve"]],
    [{ args: ["train", "$(A)"] }, ["node", "main", "train", "1"]],
    [{ command: ["sh"] }, ["sh"]],
    [{ command: ["sh"], args: ["-c"] }, ["sh", "-c"]],
  ])("gives for %j %j", (own, wanted) => {
    expect(commandOf({ name: "c", ...own }, image, { A: "1" })).toEqual(wanted);
  });
});

describe("environmentOf", () => {
  it("lets env stand over envFrom over the image", async () => {
    const sources = { ...nothing, configMap: async () => ({ A: "map", B: "map", C: "map" }) };
    const container = {
      name: "c",
      envFrom: [{ prefix: "", configMapRef: { name: "m" } }],
      env: [{ name: "B", value: "$(A)-own" }],
    };
    expect(await environmentOf({ metadata: { name: "p" } }, container, image, sources)).toEqual({
      HOSTNAME: "p",
      A: "map",
      B: "map-own",
      C: "map",
      Z: "image",
    });
  });

  it.each([
    [{ secretKeyRef: { name: "s", key: "k" } }, 'secret "s" not found'],
    [{ configMapKeyRef: { name: "m", key: "k" } }, 'configmap "m" not found'],
    [{ fieldRef: { fieldPath: "status.phase" } }, "field path status.phase is not known"],
  ])("cannot be made with %j", async (valueFrom, message) => {
    const made = environmentOf({}, { name: "c", env: [{ name: "X", valueFrom }] }, image, nothing);
    await expect(made).rejects.toThrow(message);
  });
});

describe("resourceField", () => {
  const container = { name: "c", resources: { limits: { cpu: "1500m", memory: "1Gi" }, requests: { cpu: "250m" } } };
  it.each([
    [{ resource: "limits.cpu" }, "2"],
    [{ resource: "limits.cpu", divisor: "1m" }, "1500"],
    [{ resource: "requests.cpu" }, "1"],
    [{ resource: "limits.memory", divisor: "1Mi" }, "1024"],
    [{ resource: "requests.memory" }, "0"],
  ])("gives for %j %s", (reference, wanted) => {
    expect(resourceField(container, reference, nothing.allocatable)).toBe(wanted);
  });

  it("counts the whole node where there is no limit", () => {
    expect(resourceField({ name: "c" }, { resource: "limits.cpu" }, nothing.allocatable)).toBe("8");
  });
});

describe("quantity", () => {
  it.each([
    ["250m", 0.25],
    ["2", 2],
    ["1.5Gi", 1.5 * 2 ** 30],
    ["3k", 3000],
  ])("reads %s", (text, wanted) => {
    expect(quantity(text)).toBe(wanted);
  });
  it("refuses anything else", () => {
    expect(() => quantity("many")).toThrow("many is no quantity");
  });
});
