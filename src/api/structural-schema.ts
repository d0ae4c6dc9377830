import { z } from "zod";
import type { Rule } from "./rules.ts";

/** OpenAPI schema in the subset that CRDs take. */
export interface StructuralSchema {
  description?: string;
  type?: "object" | "array" | "string" | "number" | "integer" | "boolean";
  format?: "int32" | "int64" | "date-time";
  nullable?: true;
  enum?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  default?: unknown;
  items?: StructuralSchema;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  additionalProperties?: StructuralSchema;
  "x-kubernetes-list-type"?: "map" | "set" | "atomic";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-validations"?: Rule[];
}

const copied = [
  "description",
  "type",
  "nullable",
  "enum",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "maxProperties",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-validations",
] as const;

/** What the walk below handles by itself, or what a CRD has no word for and needs none. */
const handled = new Set(["format", "pattern", "default", "items", "properties", "required", "additionalProperties"]);
const dropped = new Set(["propertyNames"]);

/** zod gives every integer the bounds of a double's exact range; they would only be noise. */
const exact = 9_007_199_254_740_991;

/**
 * The structural schema of a zod schema.
 *
 * @param defaults  whether the API server fills in defaults: for a spec. A status is written whole by its one owner, and
 *   its readers parse it, so there defaults would only make the CRD larger.
 * @throws {TypeError} naming the path, for what decision 38 excludes: unions, constants, loose objects
 */
export function structuralSchema(schema: z.ZodType, path: string, defaults: boolean): StructuralSchema {
  const json = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input", unrepresentable: "throw" });
  return convert(json, path, defaults);
}

type Node = z.core.JSONSchema._JSONSchema;

function convert(node: Node | Node[], path: string, defaults: boolean): StructuralSchema {
  if (typeof node === "boolean" || Array.isArray(node)) {
    throw new TypeError(`${path}: ${JSON.stringify(node)} is no schema of a CRD (decision 38)`);
  }
  const words: readonly string[] = copied;
  for (const key of Object.keys(node)) {
    if (words.includes(key) || handled.has(key) || dropped.has(key)) continue;
    throw new TypeError(`${path}: ${key} cannot stand in a CRD (decision 38)`);
  }
  if (node.type === undefined) throw new TypeError(`${path}: a CRD needs a type (decision 38)`);
  const schema: StructuralSchema = {};
  for (const key of copied) if (node[key] !== undefined) Object.assign(schema, { [key]: node[key] });
  if (node.type === "integer") {
    if (node.minimum === -exact) delete schema.minimum;
    if (node.maximum === exact) delete schema.maximum;
    schema.format = node.maximum !== undefined && node.maximum < 2 ** 31 ? "int32" : "int64";
  }
  if (node.type === "number" && node.minimum !== undefined && !Number.isInteger(node.minimum)) {
    // kube-openapi truncates the bound when the value is a whole number (MinimumNativeType): 0 would pass 0.01.
    const rule = { rule: `self >= ${decimal(node.minimum)}`, message: `must be at least ${node.minimum}` };
    schema["x-kubernetes-validations"] = [rule, ...(schema["x-kubernetes-validations"] ?? [])];
  }
  if (node.format === "date-time") {
    // The server checks the format; UTC is ours, because that is what every reader parses.
    schema.format = "date-time";
    schema.pattern = "Z$";
  } else if (node.pattern !== undefined) {
    schema.pattern = node.pattern.replaceAll("\\/", "/");
  }
  if (defaults && node.default !== undefined) schema.default = node.default;
  if (node.items) schema.items = convert(node.items, `${path}[]`, defaults);
  if (node.properties) {
    schema.properties = Object.fromEntries(
      Object.entries(node.properties).map(([name, child]) => [name, convert(child, `${path}.${name}`, defaults)]),
    );
  }
  if (node.required && node.required.length > 0) schema.required = node.required;
  if (typeof node.additionalProperties === "object") {
    schema.additionalProperties = convert(node.additionalProperties, `${path}[*]`, defaults);
  }
  return schema;
}

/** CEL takes 1e-8 for an integer's exponent only with a point: 1.0e-8. */
function decimal(value: number): string {
  const text = String(value);
  return /^\d+e/.test(text) ? text.replace("e", ".0e") : text;
}
