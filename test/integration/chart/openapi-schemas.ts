import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubernetesApi } from "../../harness/kubernetes-api.ts";

interface Definition {
  type?: string | string[];
  properties?: Record<string, unknown>;
  additionalProperties?: unknown;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
  "x-kubernetes-preserve-unknown-fields"?: boolean;
}

/**
 * Writes a strict JSON schema of every kind that the API server knows, named as kubeconform looks for them.
 *
 * kubeconform downloads its schemas; these are the very ones of the server that the manifests are for.
 *
 * @returns kubeconform's `-schema-location`
 */
export async function writeSchemas(api: KubernetesApi, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const { definitions } = await api.get<{ definitions: Record<string, Definition> }>("/openapi/v2");
  const strict = Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, close(name, schema)]));
  for (const [name, schema] of Object.entries(definitions)) {
    for (const { group, version, kind } of schema["x-kubernetes-group-version-kind"] ?? []) {
      const suffix = [...group.split(".").slice(0, 1), version].filter((part) => part !== "").join("-");
      const file = join(folder, `${kind}-${suffix}.json`.toLowerCase());
      const needed = reachable(strict, name);
      await writeFile(file, JSON.stringify({ $ref: pointer + name, definitions: needed }));
    }
  }
  return join(folder, "{{.ResourceKind}}{{.KindSuffix}}.json");
}

const pointer = "#/definitions/";

/** OpenAPI v2 has no unions, and calls these strings. */
const numberOrString = [
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  "io.k8s.apimachinery.pkg.api.resource.Quantity",
];

/** Unknown fields become errors. */
function close(name: string, schema: Definition): Definition {
  if (numberOrString.includes(name)) return { type: ["integer", "number", "string"] };
  const open = !schema.properties || schema.additionalProperties || schema["x-kubernetes-preserve-unknown-fields"];
  return open ? schema : { ...schema, additionalProperties: false };
}

function reachable(definitions: Record<string, Definition>, root: string): Record<string, Definition> {
  const found = new Map<string, Definition>();
  const open = [root];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const schema = definitions[name];
    if (!schema || found.has(name)) continue;
    found.set(name, schema);
    for (const [, inner = ""] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) open.push(inner);
  }
  return Object.fromEntries(found);
}
