/** The part of an object's metadata that controllers work with. */
export interface ObjectMeta {
  name: string;
  namespace?: string | undefined;
  uid?: string;
  /** Opaque, but comparable as a decimal number: see `compareResourceVersions`. */
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: object;
  subresource?: string;
}

/** What every Kubernetes object has. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** An object as the API server returned it: it has an identity and a version. */
export type Stored<T extends KubeObject> = T & {
  metadata: { uid: string; resourceVersion: string; creationTimestamp: string };
};

/** Names one object of a resource; cluster-scoped ones have no namespace. */
export interface Key {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export function keyOf(object: {
  readonly metadata: { readonly namespace?: string | undefined; readonly name: string };
}): Key {
  const { namespace, name } = object.metadata;
  return namespace ? { namespace, name } : { name };
}

/** `namespace/name`, or `name` when cluster-scoped: usable as a map key and in logs. */
export function formatKey({ namespace, name }: Key): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** Inverse of `formatKey`; no name or namespace can hold a slash. */
export function parseKey(text: string): Key {
  const slash = text.indexOf("/");
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/**
 * Order of two resourceVersions of one resource: negative, zero or positive.
 *
 * They are decimal numbers of arbitrary size, and comparing them is part of the API since Kubernetes 1.35
 * (KEP-5504). A server whose versions are not numbers gives `null`: the order is then unknown.
 */
export function compareResourceVersions(a: string, b: string): number | null {
  if (a === b) return 0;
  if (!isDecimal.test(a) || !isDecimal.test(b)) return null;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

const isDecimal = /^[1-9][0-9]*$/;
