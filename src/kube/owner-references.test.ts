import { expect, it } from "vitest";
import { withFinalizer, withoutFinalizer } from "./finalizers.ts";
import type { KubeObject, Stored } from "./object.ts";
import { controllerOf, controllerReference, isControlledBy, ownerReference } from "./owner-references.ts";

function object(
  name: string,
  uid: string,
  ownerReferences: KubeObject["metadata"]["ownerReferences"] = [],
): Stored<KubeObject> {
  const metadata = { name, uid, resourceVersion: "1", creationTimestamp: "", ownerReferences };
  return { apiVersion: "v1", kind: "ConfigMap", metadata };
}

const owner = object("owner", "u1");
const reborn = object("owner", "u2");

it("is controlled by the object of that UID, not of that name", () => {
  const child = object("child", "c", [ownerReference(reborn), controllerReference(owner)]);
  expect(controllerOf(child)).toEqual({
    apiVersion: "v1",
    kind: "ConfigMap",
    name: "owner",
    uid: "u1",
    controller: true,
    blockOwnerDeletion: true,
  });
  expect([isControlledBy(child, owner), isControlledBy(child, reborn)]).toEqual([true, false]);
  expect(controllerOf(owner)).toBeNull();
});

it("adds and removes a finalizer, and leaves the list as it is when there is nothing to do", () => {
  const list = ["a"];
  expect(withFinalizer(list, "b")).toEqual(["a", "b"]);
  expect(withFinalizer(list, "a")).toBe(list);
  expect(withFinalizer(undefined, "a")).toEqual(["a"]);
  expect(withoutFinalizer(["a", "b"], "a")).toEqual(["b"]);
  expect(withoutFinalizer(list, "b")).toBe(list);
});
