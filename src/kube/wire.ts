import type { Identity, WatchEvent } from "./call-options.ts";
import { errorFromStatus, isKubeError, KubeError } from "./error.ts";
import { formatKey, type KubeObject, type Stored } from "./object.ts";
import type { Resource } from "./resource.ts";

/**
 * An object of the API server as its type.
 *
 * @throws KubeError Unparseable when the resource's own parser refuses it
 */
export function decode<T extends KubeObject>(resource: Resource<T>, body: unknown): Stored<T> {
  // Items of a list of a built-in kind come without their type.
  const typed = isRecord(body) && !("kind" in body) ? { ...typeOf(resource), ...body } : body;
  try {
    // What the server sends has a UID and a version; the type of a resource's objects need not say so.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return resource.parse(typed) as Stored<T>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const name = formatKey(identity(typed).key);
    throw new KubeError("Unparseable", `${resource.kind} ${name} is not as expected: ${reason}`, { cause });
  }
}

/** @throws KubeError for an ERROR event */
export function decodeEvent<T extends KubeObject>(resource: Resource<T>, line: unknown, what: string): WatchEvent<T> {
  const { type, object } = isRecord(line) ? line : {};
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      try {
        return { type: eventTypes[type], object: decode(resource, object) };
      } catch (error) {
        if (!isKubeError(error, "Unparseable")) throw error;
        if (type === "DELETED") return { type: "Gone", ...identity(object) };
        return { type: "Unparseable", ...identity(object), error };
      }
    case "BOOKMARK":
      return { type: "Bookmark", resourceVersion: identity(object).resourceVersion };
    case "ERROR":
      throw errorFromStatus(0, object, what);
    default:
      throw new KubeError("Unavailable", `${what}: an event of unknown type ${String(type)}`);
  }
}

const eventTypes = { ADDED: "Added", MODIFIED: "Modified", DELETED: "Deleted" } as const;

/** One page of a list; `next` is the continue token, "" on the last one. */
export interface Page {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  readonly next: string;
}

export function decodePage(body: unknown, what: string): Page {
  const metadata = isRecord(body) && isRecord(body["metadata"]) ? body["metadata"] : null;
  if (!isRecord(body) || !metadata) throw new KubeError("Unavailable", `${what}: the answer is no list`);
  return {
    items: Array.isArray(body["items"]) ? body["items"] : [],
    resourceVersion: text(metadata["resourceVersion"]),
    next: text(metadata["continue"]),
  };
}

/** Which object an answer is about, whether or not it parses. */
export function identity(body: unknown): Identity {
  const metadata = isRecord(body) && isRecord(body["metadata"]) ? body["metadata"] : {};
  const name = text(metadata["name"]);
  const namespace = text(metadata["namespace"]);
  return {
    key: namespace ? { namespace, name } : { name },
    uid: text(metadata["uid"]),
    resourceVersion: text(metadata["resourceVersion"]),
  };
}

export function typeOf({ apiVersion, kind }: Resource<KubeObject>): { apiVersion: string; kind: string } {
  return { apiVersion, kind };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
