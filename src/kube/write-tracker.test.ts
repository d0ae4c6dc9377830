import { expect, it } from "vitest";
import type { ConfigMap } from "./builtin.ts";
import { manualClock } from "./clock.ts";
import type { Stored } from "./object.ts";
import { WriteTracker } from "./write-tracker.ts";

const owner = { namespace: "a", name: "owner" };
const target = { namespace: "a", name: "child" };

function object(resourceVersion: string, deletionTimestamp?: string): Stored<ConfigMap> {
  const metadata = {
    ...target,
    uid: "u",
    resourceVersion,
    creationTimestamp: "",
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
  };
  return { apiVersion: "v1", kind: "ConfigMap", metadata };
}

/** A cache that has come to some version and holds one object or none. */
function cache() {
  const state: { version: number; object: Stored<ConfigMap> | null } = { version: 1, object: null };
  const informer = {
    hasSeen: (_: unknown, resourceVersion: string) => state.version >= Number(resourceVersion),
    get: () => state.object,
  };
  return { state, informer };
}

it("is settled once the cache has come to every write of that key", () => {
  const { state, informer } = cache();
  const writes = new WriteTracker();
  expect(writes.settled(owner)).toBe(true);
  writes.wrote(owner, informer, object("5"));
  writes.wrote(owner, informer, object("7"));
  state.version = 6;
  expect(writes.settled(owner)).toBe(false);
  expect(writes.settled({ namespace: "a", name: "another" })).toBe(true);
  state.version = 7;
  expect(writes.settled(owner)).toBe(true);
});

it.each([
  ["gone", null],
  ["being deleted", object("9", "2026-01-01T00:00:00Z")],
  ["another of the same name", { ...object("9"), metadata: { ...object("9").metadata, uid: "v" } }],
])("a delete is seen when the object is %s", (_, after) => {
  const { state, informer } = cache();
  const writes = new WriteTracker();
  state.object = object("5");
  writes.deleted(owner, informer, target, "u");
  expect(writes.settled(owner)).toBe(false);
  state.object = after;
  expect(writes.settled(owner)).toBe(true);
});

it("gives up on a write that no cache shows", () => {
  const clock = manualClock();
  const { informer } = cache();
  const writes = new WriteTracker({ giveUpMs: 1_000, clock });
  writes.wrote(owner, informer, object("5"));
  clock.advance(999);
  expect(writes.settled(owner)).toBe(false);
  clock.advance(1);
  expect(writes.settled(owner)).toBe(true);
});

it("waits a while when versions cannot be compared", () => {
  const clock = manualClock();
  const writes = new WriteTracker({ clock });
  writes.wrote(owner, { hasSeen: () => null, get: () => null }, object("opaque"));
  clock.advance(1_999);
  expect(writes.settled(owner)).toBe(false);
  clock.advance(1);
  expect(writes.settled(owner)).toBe(true);
});
