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
 * Creates an object once. It is never applied again: applying a Job anew would undo what its queue decided (26). One whose
 * making was not heard of is found when it is asked for again.
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
  const existingOr = async (error: unknown) => {
    if (!isKubeError(error, "AlreadyExists")) throw error;
    const existing = await kube.get(resource, keyOf(object), { signal });
    if (!existing) throw error;
    return isControlledBy(existing, owner) ? existing : taken(existing, owner);
  };
  const made = await unlessFailed(() => kube.create(resource, complete, { signal }).catch(existingOr));
  if (!isStalled(made)) writes.wrote(key, informer, made);
  return made;
}

/** Brings an object of the operator's own to what it should be; what others have added to it stays. */
export async function ensure<T extends KubeObject>(
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
  const replaced = await unlessFailed(() => kube.replace(informer.resource, next, { signal }));
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
    return failureIn(error);
  }
  writes.deleted(key, informer, target, uid);
  return null;
}

const refused = "Refused";

/** What a write gives, or why it was not done, as `failureIn` tells. */
export async function unlessFailed<Answer>(write: () => Promise<Answer>): Promise<Answer | Stalled> {
  try {
    return await write();
  } catch (error) {
    return failureIn(error);
  }
}

/**
 * Why a write was not done, as far as is known: the API server will not have it (a quota, an admission policy, which may
 * answer 400, a schema), or it, or a webhook that it asks, is down or too busy. Trying at once again is of no use, and
 * whatever does not depend on this write goes on without it (decision 25). Whether it was done nevertheless is seen next
 * time.
 *
 * @throws what is none of this, such as that somebody else was quicker, or that the turn is over
 */
export function failureIn(error: unknown): Stalled {
  if (!isKubeError(error, ...refusals, ...failures)) throw error;
  return { reason: refused, message: error.message };
}

const refusals = ["Forbidden", "Invalid", "BadRequest", "TooLarge"] as const;
const failures = ["Unavailable", "Timeout", "TooManyRequests"] as const;

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
