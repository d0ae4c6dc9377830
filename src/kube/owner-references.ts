import type { KubeObject, OwnerReference, Stored } from "./object.ts";

/** The reference of an object to the one controller that manages it; the object is deleted after its owner. */
export function controllerReference(owner: Stored<KubeObject>): OwnerReference {
  return { ...ownerReference(owner), controller: true, blockOwnerDeletion: true };
}

/** A reference for garbage collection alone: the object is deleted when its last owner is. */
export function ownerReference({ apiVersion, kind, metadata: { name, uid } }: Stored<KubeObject>): OwnerReference {
  return { apiVersion, kind, name, uid };
}

export function controllerOf({ metadata }: KubeObject): OwnerReference | null {
  return metadata.ownerReferences?.find(({ controller }) => controller) ?? null;
}

/** By UID: an owner of the same name that was deleted and made anew is another one. */
export function isControlledBy(object: KubeObject, owner: Stored<KubeObject>): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}
