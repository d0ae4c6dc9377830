import type { KubeError } from "./error.ts";
import type { Key, KubeObject, ObjectMeta, Stored } from "./object.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the whole call, waiting and retries included. */
  readonly timeoutMs?: number | undefined;
}

export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  /** `app=web,tier!=db` */
  readonly labelSelector?: string | undefined;
  /** `metadata.name=web` */
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection, CallOptions {
  /** Objects a page; default 500. */
  readonly pageSize?: number;
  /** With a resourceVersion; absent means the newest state. */
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
}

export interface List<T extends KubeObject> {
  readonly items: Stored<T>[];
  /** Of the collection: where a watch goes on. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends Selection, CallOptions {
  readonly resourceVersion: string;
  /** The server ends the stream after this; default 300. */
  readonly timeoutSeconds?: number;
  /** A stream that is silent for longer is ended: its connection may be dead. Default 90 s. */
  readonly idleTimeoutMs?: number;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: "Added" | "Modified" | "Deleted"; readonly object: Stored<T> }
  /** Progress without a change. */
  | { readonly type: "Bookmark"; readonly resourceVersion: string }
  /** The object is there and does not parse. */
  | ({ readonly type: "Unparseable"; readonly error: KubeError } & Identity)
  /** An object was deleted whose last state does not parse. */
  | ({ readonly type: "Gone" } & Identity);

/** Which object it is, whether or not it parses. */
export interface Identity {
  readonly key: Key;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string | undefined;
  /** The server checks and answers, and stores nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes fields from their owners; default false. */
  readonly force?: boolean | undefined;
  /** Fails with Conflict when the object is no longer this one. */
  readonly resourceVersion?: string | undefined;
}

export interface PatchOptions extends WriteOptions {
  readonly resourceVersion?: string | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Preconditions: fails with Conflict when the object is another one, or has changed. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagation?: "Background" | "Foreground" | "Orphan" | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly dryRun?: boolean | undefined;
}

/** A part of an object: what an apply or a merge patch says. */
export type Partially<T> = T extends readonly (infer Item)[]
  ? readonly Partially<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]?: Partially<T[Field]> | undefined }
    : T;

/** What an apply wants to own. The kind and apiVersion come from the resource. */
export type Applied<T extends KubeObject> = Partially<Omit<T, "metadata" | "apiVersion" | "kind">> & {
  readonly metadata: Partial<ObjectMeta> & { readonly name: string };
};

/** What a create sends. */
export type Created<T extends KubeObject> = Omit<T, "apiVersion" | "kind"> & { apiVersion?: string; kind?: string };
