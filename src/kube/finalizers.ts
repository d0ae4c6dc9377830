import type { KubeObject } from "./object.ts";

export function hasFinalizer({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}

export function isBeingDeleted({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** The finalizers with one more; the same list when it is there already. */
export function withFinalizer(finalizers: readonly string[] = [], finalizer: string): readonly string[] {
  return finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer];
}

/**
 * The finalizers with one less. Patch with the object's resourceVersion as precondition: a merge patch replaces the
 * whole list, and another controller may have added its own meanwhile.
 */
export function withoutFinalizer(finalizers: readonly string[] = [], finalizer: string): readonly string[] {
  return finalizers.includes(finalizer) ? finalizers.filter((other) => other !== finalizer) : finalizers;
}
