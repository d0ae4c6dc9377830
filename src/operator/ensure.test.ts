import { describe, expect, it } from "vitest";
import { faultyTurn } from "../../test/harness/refusing-turn.ts";
import { configMaps, KubeError, type KubeErrorKind } from "../kube/index.ts";
import { create, discard, ensure, includes, isRefused } from "./ensure.ts";

const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T08:00:00Z" };
const owner = {
  apiVersion: "evenkeel.dev/v1alpha1",
  kind: "EmbeddingService",
  metadata: { name: "shop", namespace: "search", ...stored },
};
const wanted = { metadata: { name: "shop-gateway", namespace: "search" }, data: { a: "1" } };
const existing = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    ...wanted.metadata,
    ...stored,
    ownerReferences: [{ apiVersion: owner.apiVersion, kind: owner.kind, name: "shop", uid: "u", controller: true }],
  },
};

/** A turn whose writes all fail so. */
function failing(kind: KubeErrorKind) {
  const fail = async (): Promise<never> => {
    throw new KubeError(kind, `create ConfigMap search/shop-gateway: exceeded quota (${kind})`);
  };
  return {
    kube: { create: fail, replace: fail, delete: fail, get: async () => null },
    writes: {
      wrote: () => {
        throw new Error("nothing was written");
      },
      deleted: () => {
        throw new Error("nothing was deleted");
      },
    },
    key: { namespace: "search", name: "shop" },
    signal: new AbortController().signal,
  };
}

const cache = (object: typeof existing | null) => ({
  resource: configMaps,
  get: () => object,
  hasSeen: () => true,
});

describe.each(["Forbidden", "Invalid", "BadRequest", "TooLarge", "Unavailable", "Timeout", "TooManyRequests"] as const)(
  "a write that ended %s",
  (kind) => {
    const refusal = { reason: "Refused", message: expect.stringContaining("exceeded quota") };

    it("is an answer to say in the status, with the server's words", async () => {
      const created = await create(failing(kind), cache(null), wanted, owner);
      expect(created).toEqual(refusal);
      expect(await ensure(failing(kind), cache(null), wanted, owner)).toEqual(refusal);
      const replaced = await ensure(failing(kind), cache(existing), wanted, owner);
      expect(replaced).toEqual(refusal);
      expect(isRefused(replaced)).toBe(true);
      expect(await discard(failing(kind), cache(existing), existing)).toEqual(refusal);
    });
  },
);

describe.each(["Conflict", "Fenced", "Aborted", "NamespaceTerminating"] as const)("a write that ended %s", (kind) => {
  it("ends the turn", async () => {
    await expect(create(failing(kind), cache(null), wanted, owner)).rejects.toThrow(kind);
    await expect(ensure(failing(kind), cache(existing), wanted, owner)).rejects.toThrow(kind);
  });
});

it("what is made once, and nobody heard that it was, is found when it is asked for again", async () => {
  const { turn, made, stop } = await faultyTurn("Lost", "configmaps");
  try {
    expect(await create(turn, cache(null), wanted, owner)).toMatchObject({ reason: "Refused" });
    expect(made.has("configmaps/shop-gateway")).toBe(true);
    expect(await create(turn, cache(null), wanted, owner)).toMatchObject({ data: wanted.data });
    const another = { ...owner, metadata: { ...owner.metadata, uid: "v" } };
    expect(await create(turn, cache(null), wanted, another)).toMatchObject({ reason: "NameTaken" });
  } finally {
    await stop();
  }
});

describe("a deletion", () => {
  it("leaves what has changed since, whose change brings it up again", async () => {
    expect(await discard(failing("Conflict"), cache(existing), existing)).toBeNull();
  });

  it("ends the turn when that is over", async () => {
    await expect(discard(failing("Fenced"), cache(existing), existing)).rejects.toThrow("Fenced");
  });
});

describe("includes", () => {
  it.each([
    ["defaults that the server filled in", { a: 1, b: 2 }, { a: 1 }, true],
    ["a changed value", { a: 2 }, { a: 1 }, false],
    ["a missing value", {}, { a: 1 }, false],
    ["an empty value that the server dropped", {}, { a: {}, b: [] }, true],
    ["a list with more in it", { a: [1, 2] }, { a: [1] }, false],
    ["defaults in a list's items", { a: [{ b: 1, c: 2 }] }, { a: [{ b: 1 }] }, true],
    ["another type", { a: "1" }, { a: 1 }, false],
  ])("%s", (_, actual, wanted, expected) => {
    expect(includes(actual, wanted)).toBe(expected);
  });
});
