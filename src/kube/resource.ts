import type { Key, KubeObject } from "./object.ts";

/** Describes one resource of the API: where it is served and what its objects are. */
export interface Resource<T extends KubeObject> {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  /** As in the URL: lower case, plural. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly apiVersion: string;
  /** Turns an object from the wire into T; throws when it is none. */
  readonly parse: (object: unknown) => T;
}

export interface ResourceDefinition<T extends KubeObject> {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /**
   * Checks objects from the wire, for kinds whose schema may change under stored objects. Without it the API server's
   * own validation is trusted, which is right for built-in kinds.
   */
  parse?: (object: unknown) => T;
}

export function resource<T extends KubeObject>(definition: ResourceDefinition<T>): Resource<T> {
  const { group, version } = definition;
  return {
    ...definition,
    apiVersion: group === "" ? version : `${group}/${version}`,
    // The API server has validated it against the kind's schema: this is the parsed edge.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    parse: definition.parse ?? ((object) => object as T),
  };
}

/** `/api/v1/namespaces/x/pods`: the collection's path; without a namespace, over all of them. */
export function collectionPath(resource: Resource<KubeObject>, namespace?: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  if (!resource.namespaced || namespace === undefined) return `${root}/${resource.plural}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
}

/** `/api/v1/namespaces/x/pods/y[/status]`. */
export function objectPath(resource: Resource<KubeObject>, key: Key, subresource?: string): string {
  // Without it the path would be the collection's, and the answer a list.
  if (key.name === "") throw new TypeError(`${resource.kind} without a name`);
  if (resource.namespaced && !key.namespace) {
    throw new TypeError(`${resource.kind} "${key.name}" needs a namespace`);
  }
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource ? `${path}/${subresource}` : path;
}
