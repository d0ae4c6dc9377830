import { describe, expect, it } from "vitest";
import { z } from "zod";
import { crds } from "./crd.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

/** Every value of a schema with its path. */
function* fields(schema: StructuralSchema, path: string): Generator<readonly [string, StructuralSchema]> {
  yield [path, schema];
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* fields(child, `${path}.${name}`);
  if (schema.items) yield* fields(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* fields(schema.additionalProperties, `${path}[*]`);
}

/** Characters of the largest JSON that a schema lets in. */
function largest(schema: StructuralSchema): number {
  const { type, properties = {}, items, additionalProperties: values, maxItems = 0, maxProperties = 0 } = schema;
  if (schema.enum) return Math.max(...schema.enum.map((value) => JSON.stringify(value).length));
  switch (type) {
    case "string":
      return (schema.maxLength ?? 0) + 2;
    case "integer":
    case "number":
      return 24;
    case "boolean":
      return 5;
    case "array":
      return 2 + maxItems * (items ? largest(items) + 1 : 0);
    default: {
      const fixed = Object.entries(properties).map(([name, child]) => name.length + 4 + largest(child));
      return 2 + fixed.reduce((sum, size) => sum + size, 0) + (values ? maxProperties * (67 + largest(values)) : 0);
    }
  }
}

const all = crds().flatMap((crd) => {
  const schema = crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
  return [...fields(schema, crd.spec.names.kind)].filter(([path]) => !path.endsWith(".metadata"));
});

describe("the CRDs", () => {
  it("describe every field in a sentence", () => {
    const bare = all.filter(([, { description = "" }]) => !/^\S.*[.…]$/s.test(description)).map(([path]) => path);
    expect(bare).toEqual([]);
  });

  it("bound every string, list and map of spec and status", () => {
    const unbounded = all
      .filter(([path]) => /\.(spec|status)\b/.test(path))
      .filter(
        ([, schema]) =>
          (schema.type === "string" && schema.maxLength === undefined && !schema.enum) ||
          (schema.type === "array" && schema.maxItems === undefined) ||
          (schema.additionalProperties && schema.maxProperties === undefined),
      )
      .map(([path]) => path);
    expect(unbounded).toEqual([]);
  });

  it("never require what may be null: a JSON merge patch takes null for absent, in lists too", () => {
    const required = all.flatMap(([path, { properties = {}, required = [] }]) =>
      required.filter((name) => properties[name]?.nullable).map((name) => `${path}.${name}`),
    );
    expect(required).toEqual([]);
  });

  it.each(crds().map((crd) => [crd.spec.names.kind, crd] as const))("%s is under 200 KB", (_kind, crd) => {
    expect(JSON.stringify(crd).length).toBeLessThan(200_000);
  });

  it.each([
    ["EmbeddingService", 105],
    ["ThreatModel", 64],
    ["Retraining", 64],
    ["ModelVersion", 64],
    ["ModelRollout", 64],
  ])("let no status of a %s over %i KB", (kind, most) => {
    const crd = crds().find(({ spec }) => spec.names.kind === kind);
    const status = crd?.spec.versions[0]?.schema.openAPIV3Schema.properties?.["status"];
    const size = largest(status ?? {});
    expect(size).toBeGreaterThan(1000);
    expect(size).toBeLessThan(most * 1000);
  });

  it("name the field in the message of every rule", () => {
    const silent = all.flatMap(([path, schema]) => {
      const names = [path.split(/\W+/).findLast((name) => name !== "") ?? "", ...Object.keys(schema.properties ?? {})];
      return (
        (schema["x-kubernetes-validations"] ?? [])
          .map(({ message }) => message)
          // The API server puts the path before it.
          .filter((message) => !message.startsWith("is immutable") && !message.startsWith("must be at least"))
          .filter((message) => !names.some((name) => message.toLowerCase().includes(name.toLowerCase())))
      );
    });
    expect(silent).toEqual([]);
  });
});

describe("structuralSchema", () => {
  it("keeps bounds, drops a double's exact range, and leaves defaults to specs", () => {
    const schema = z.object({ n: z.int().min(1).default(2), at: z.iso.datetime().max(32), x: z.number().nullable() });
    expect(structuralSchema(schema, "spec", true)).toEqual({
      type: "object",
      required: ["at", "x"],
      properties: {
        n: { type: "integer", format: "int64", minimum: 1, default: 2 },
        at: { type: "string", format: "date-time", pattern: "Z$", maxLength: 32 },
        x: { type: "number", nullable: true },
      },
    });
    expect(structuralSchema(schema, "status", false).properties?.n).not.toHaveProperty("default");
  });

  it("says a fractional bound in CEL too, which the API server truncates for whole numbers", () => {
    const { properties } = structuralSchema(z.object({ rate: z.number().min(1e-8).max(0.5) }), "spec", true);
    expect(properties?.rate).toEqual({
      type: "number",
      minimum: 1e-8,
      maximum: 0.5,
      "x-kubernetes-validations": [{ rule: "self >= 1.0e-8", message: "must be at least 1e-8" }],
    });
  });

  it.each([
    ["a union", z.union([z.string(), z.int()])],
    ["anything", z.unknown()],
    ["an exclusive bound", z.number().gt(0)],
    ["a loose object", z.looseObject({})],
  ])("refuses %s with its path", (_what, inner) => {
    expect(() => structuralSchema(z.object({ field: inner }), "spec", true)).toThrow(/^spec\.field.*: /);
  });
});
