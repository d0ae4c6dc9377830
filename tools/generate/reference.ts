import type { CustomResourceDefinition } from "../../src/api/crd.ts";
import type { StructuralSchema } from "../../src/api/structural-schema.ts";

/** The reference page of a kind: each field with its type, default, bounds and description, and its rules. */
export function reference(crd: CustomResourceDefinition): string {
  const { names, group, versions } = crd.spec;
  const [version] = versions;
  if (!version) throw new TypeError(`${crd.metadata.name} has no version`);
  const schema = version.schema.openAPIV3Schema;
  const { spec, status } = schema.properties ?? {};
  return [
    `# ${names.kind}`,
    `${schema.description}`,
    `\`apiVersion: ${group}/${version.name}\` · short name \`${names.shortNames.join("`, `")}\` · category \`evenkeel\``,
    rulesOf(schema),
    "## spec",
    ...table("spec", spec),
    "## status",
    "Written by the operator alone.",
    ...table("status", status),
  ]
    .filter((paragraph) => paragraph !== "")
    .join("\n\n")
    .concat("\n");
}

export function referenceIndex(crds: readonly CustomResourceDefinition[]): string {
  const lines = crds.map(({ spec: { names, versions } }) => {
    const description = versions[0]?.schema.openAPIV3Schema.description ?? "";
    return `- [${names.kind}](${names.singular}.md): ${description}`;
  });
  return `# API reference\n\nWritten by \`npm run generate\` from the schemas in \`src/api\`. Every field is also told by \`kubectl explain\`.\n\n${lines.join("\n")}\n\nWhat is measured: [metrics](metrics.md).\n`;
}

/** Rows of all fields below, one after another, and the rules below the table that mentions their field. */
function table(path: string, schema: StructuralSchema | undefined): string[] {
  if (!schema) return [];
  const rows = [...fieldRows(path, schema)];
  const head = "| field | type | default | description |\n| --- | --- | --- | --- |";
  const rules = [...ruleLines(path, schema)];
  return [
    schema.description ?? "",
    [head, ...rows].join("\n"),
    ...(rules.length > 0 ? [`Rules:\n\n${rules.join("\n")}`] : []),
  ];
}

function* fieldRows(path: string, schema: StructuralSchema): Generator<string> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const field = `${path}.${name}`;
    const required = schema.required?.includes(name) ? " **required**" : "";
    const fallback = child.default === undefined ? "" : code(JSON.stringify(child.default));
    yield `| \`${field}\` | ${typeOf(child)}${required} | ${fallback} | ${cell(child.description ?? "")} |`;
    const inner = child.items ?? child.additionalProperties ?? child;
    if (inner.properties) yield* fieldRows(child.items ? `${field}[]` : field, inner);
  }
}

function* ruleLines(path: string, schema: StructuralSchema): Generator<string> {
  for (const { message } of schema["x-kubernetes-validations"] ?? []) yield `- \`${path}\`: ${message}.`;
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* ruleLines(`${path}.${name}`, child);
  if (schema.items) yield* ruleLines(`${path}[]`, schema.items);
}

function rulesOf(schema: StructuralSchema): string {
  return (schema["x-kubernetes-validations"] ?? []).map(({ message }) => `${message}.`).join("\n");
}

function typeOf(schema: StructuralSchema): string {
  if (schema.items) return `list of ${typeOf(schema.items)}${range(schema.minItems, schema.maxItems, " entries")}`;
  if (schema.additionalProperties) return `map to ${typeOf(schema.additionalProperties)}`;
  if (schema.enum) return schema.enum.map((value) => code(value)).join(" \\| ");
  if (schema.type === "string") {
    if (schema.format === "date-time") return "instant (UTC)";
    return schema.pattern ? `string ${code(schema.pattern)}` : "string";
  }
  return `${schema.type}${range(schema.minimum, schema.maximum)}${schema.nullable ? " or null" : ""}`;
}

function range(from: number | undefined, to: number | undefined, unit = ""): string {
  if (from === undefined && to === undefined) return "";
  if (to === undefined) return `, at least ${from}${unit}`;
  if (from === undefined) return `, at most ${to}${unit}`;
  return `, ${from} to ${to}${unit}`;
}

const code = (text: string) => `\`${cell(text)}\``;
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
