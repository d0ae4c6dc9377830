import { jsonOf } from "../api/index.ts";
import { canonical } from "../audit/index.ts";
import {
  type Applied,
  type Created,
  controllerReference,
  formatKey,
  type Informer,
  isControlledBy,
  isKubeError,
  type Kube,
  type KubeObject,
  keyOf,
  type ObjectMeta,
  type Stored,
  type WriteTracker,
} from "../kube/index.ts";
import { digestOf } from "./identity.ts";
import { annotations } from "./labels.ts";
import { fieldsOf, merge, shapeOf } from "./merge.ts";
import type { Turn } from "./ports.ts";
import type { Stalled } from "./rule.ts";

/** An object that is wanted, whatever its kind. */
type Desired = { readonly metadata: Partial<ObjectMeta> & { readonly name: string } };

/** What a write needs of a turn. */
type Writing = Pick<Turn, "key" | "signal"> & {
  readonly kube: Pick<Kube, "create" | "get" | "replace">;
  readonly writes: Pick<WriteTracker, "wrote">;
};

/** An object of the turn's namespace as a cache had it. */
type Observed = {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
};

type Discarding = Pick<Turn, "key" | "signal"> & {
  readonly kube: Pick<Kube, "delete">;
  readonly writes: Pick<WriteTracker, "deleted">;
};

type Cache<T extends KubeObject> = Pick<Informer<T>, "resource" | "get" | "hasSeen">;

/**
 * Creates an object once. It is never applied again: applying a Job anew would undo what its queue decided (26).
 *
 * @returns the object; `NameTaken` when the name is another's, told by the controller's UID; or `Refused`
 */
export async function create<T extends KubeObject>(
  { kube, writes, key, signal }: Writing,
  informer: Cache<T>,
  object: NoInfer<Applied<T>>,
  owner: Stored<KubeObject>,
): Promise<Stored<T> | Stalled> {
  const { resource } = informer;
  const wanted: Desired = object;
  const owned: object = { ...wanted, metadata: { ...wanted.metadata, ownerReferences: [controllerReference(owner)] } };
  // Defaults and status are the API server's to fill in, and it checks the rest.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const complete = owned as Created<T>;
  try {
    const created = await unlessRefused(() => kube.create(resource, complete, { signal }));
    if (!isStalled(created)) writes.wrote(key, informer, created);
    return created;
  } catch (error) {
    if (!isKubeError(error, "AlreadyExists")) throw error;
    const existing = await kube.get(resource, keyOf(object), { signal });
    if (!existing) throw error;
    if (!isControlledBy(existing, owner)) return taken(existing, owner);
    writes.wrote(key, informer, existing);
    return existing;
  }
}

/**
 * Brings an object of the operator's own to what it should be; what others have added to it stays. A write that fails holds
 * nothing else back: whether it was done nevertheless is seen next time.
 */
export async function ensure<T extends KubeObject>(
  turn: Writing,
  informer: Cache<T>,
  desired: NoInfer<Applied<T>>,
  owner: Stored<KubeObject>,
): Promise<Stalled | null> {
  return await unlessFailed(() => bring(turn, informer, desired, owner));
}

async function bring<T extends KubeObject>(
  turn: Writing,
  informer: Cache<T>,
  desired: NoInfer<Applied<T>>,
  owner: Stored<KubeObject>,
): Promise<Stalled | null> {
  const existing = informer.get(keyOf(desired));
  const marked = withMark(desired);
  if (!existing) {
    const created = await create(turn, informer, marked, owner);
    return isStalled(created) ? created : null;
  }
  if (!isControlledBy(existing, owner)) return taken(existing, owner);
  const mark = marked.metadata.annotations[annotations.desired];
  if (existing.metadata.annotations?.[annotations.desired] === mark && includes(existing, withoutMetadata(desired))) {
    return null;
  }
  const { kube, writes, key, signal } = turn;
  const next = merged(existing, marked);
  const replaced = await unlessRefused(() => kube.replace(informer.resource, next, { signal }));
  if (isStalled(replaced)) return replaced;
  writes.wrote(key, informer, replaced);
  return null;
}

/** Deletes an object as it was observed: one that has changed since, or taken its name, stays (decision 27). */
export async function discard<T extends KubeObject>(
  { kube, writes, key, signal }: Discarding,
  informer: Cache<T>,
  { metadata: { name, uid, resourceVersion } }: Observed,
): Promise<Stalled | null> {
  const target = { namespace: key.namespace, name };
  try {
    await kube.delete(informer.resource, target, { uid, resourceVersion, signal });
  } catch (error) {
    // Its change brings it up again.
    if (isKubeError(error, "Conflict")) return null;
    return refusalIn(error);
  }
  writes.deleted(key, informer, target, uid);
  return null;
}

const refused = "Refused";

/**
 * What a write gives, or why the API server will not have it: a quota, an admission policy, a schema. Trying at once again
 * is of no use, and whatever does not depend on this write goes on without it (decision 25).
 */
export async function unlessRefused<T extends KubeObject>(
  write: () => Promise<Stored<T>>,
): Promise<Stored<T> | Stalled> {
  try {
    return await write();
  } catch (error) {
    return refusalIn(error);
  }
}

/** As `unlessRefused`, and of a server or a webhook that is down or too busy as well. */
export async function unlessFailed(write: () => Promise<Stalled | null>): Promise<Stalled | null> {
  try {
    return await write();
  } catch (error) {
    if (isKubeError(error, "Unavailable", "Timeout", "TooManyRequests"))
      return { reason: refused, message: error.message };
    return refusalIn(error);
  }
}

/**
 * Some admission webhooks refuse with 400, which is a BadRequest.
 *
 * @throws what is no refusal
 */
export function refusalIn(error: unknown): Stalled {
  if (!isKubeError(error, "Forbidden", "Invalid", "BadRequest", "TooLarge")) throw error;
  return { reason: refused, message: error.message };
}

/** Whether it may be granted later: no event tells when, so it is asked again. */
export function isRefused(stalled: Stalled | null): boolean {
  return stalled?.reason === refused;
}

/** With a mark of what it is: what is no longer wanted shows as a difference too. */
function withMark<Wanted extends Desired>(desired: Wanted) {
  const { metadata } = desired;
  const mark = canonical({ hash: digestOf(desired), fields: shapeOf(withoutMetadata(desired)) });
  const marked = { ...metadata.annotations, [annotations.desired]: mark };
  return Object.assign({}, desired, { metadata: { ...metadata, annotations: marked } });
}

function merged<T extends KubeObject>(existing: Stored<T>, desired: Desired): Stored<T> {
  const { metadata } = desired;
  const before = fieldsOf(jsonOf(existing.metadata.annotations?.[annotations.desired]))?.get("fields");
  return Object.assign({}, existing, merge(withoutMetadata(existing), before, withoutMetadata(desired)), {
    metadata: {
      ...existing.metadata,
      labels: { ...existing.metadata.labels, ...metadata.labels },
      annotations: { ...existing.metadata.annotations, ...metadata.annotations },
    },
  });
}

export function isStalled(answer: Stored<KubeObject> | Stalled): answer is Stalled {
  return !("metadata" in answer);
}

function taken(existing: Stored<KubeObject>, owner: Stored<KubeObject>): Stalled {
  const name = formatKey(keyOf(existing));
  const message = `${existing.kind} ${name} exists and is not of ${owner.kind} ${owner.metadata.name}: delete it when nobody needs it, or give one of the two another name`;
  return { reason: "NameTaken", message };
}

function withoutMetadata(object: Desired): object {
  return Object.fromEntries(Object.entries(object).filter(([field]) => field !== "metadata"));
}

/** Whether all that is wanted is there. Defaults that the API server fills in are no difference, nor are empty values. */
export function includes(actual: unknown, wanted: unknown): boolean {
  if (isEmpty(wanted)) return isEmpty(actual) || typeof actual === "object";
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((each, index) => includes(actual[index], each))
    );
  }
  if (typeof wanted === "object" && wanted !== null) {
    return (
      typeof actual === "object" &&
      actual !== null &&
      Object.entries(wanted).every(([field, value]) => includes(new Map(Object.entries(actual)).get(field), value))
    );
  }
  return actual === wanted;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
