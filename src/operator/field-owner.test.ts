import { expect, it } from "vitest";
import { KubeError, type KubeErrorKind } from "../kube/index.ts";
import { fieldOwnership } from "./field-owner.ts";
import { serviceFixture } from "./service.fixture.ts";
import type { Workload } from "./workload.ts";

const metadata = { name: "embedder", uid: "w", creationTimestamp: "2026-11-24T08:00:00Z" };

const workload = (resourceVersion: string): Workload => ({
  uid: "w",
  resourceVersion,
  field: { kind: "Value", uri: "hub/model" },
  inInitContainer: false,
  replicas: 1,
  readyReplicas: 1,
  readyOfTemplate: 1,
  rolling: "Complete",
  selector: { matchLabels: { app: "embedder" } },
  deployment: { apiVersion: "apps/v1", kind: "Deployment", metadata: { ...metadata, resourceVersion } },
});

let asked = 0;
const turn = (kind: KubeErrorKind) => ({
  kube: {
    apply: async (): Promise<never> => {
      asked += 1;
      throw new KubeError(kind, `apply Deployment search/embedder: failed calling webhook (${kind})`);
    },
  },
  ownerships: new WeakMap(),
  signal: new AbortController().signal,
});

it.each([
  "Unavailable",
  "Timeout",
  "BadRequest",
  "Forbidden",
  "Invalid",
  "NotFound",
  "TooManyRequests",
  "Other",
] as const)("is unknown after a dry run that ended %s, and asked again", async (kind) => {
  asked = 0;
  const unknown = { kind: "Unknown", message: expect.stringContaining(`failed calling webhook (${kind})`) };
  expect(await fieldOwnership(turn(kind), serviceFixture(), workload("1"))).toEqual(unknown);
  expect(await fieldOwnership(turn(kind), serviceFixture(), workload("1"))).toEqual(unknown);
  expect(asked).toBe(2);
});

it("is asked once of a workload as it is, for each field, in each term", async () => {
  asked = 0;
  const term = turn("FieldConflict");
  const before = workload("1");
  const other = serviceFixture({ spec: { model: { container: "main", env: "OTHER" } } });
  const owned = { kind: "OwnedBy", managers: [] };
  expect(await fieldOwnership(term, serviceFixture(), before)).toEqual(owned);
  expect(await fieldOwnership(term, serviceFixture(), before)).toEqual(owned);
  expect(asked).toBe(1);
  await fieldOwnership(term, other, before);
  expect(asked).toBe(2);
  await fieldOwnership(term, other, before);
  await fieldOwnership(term, serviceFixture(), before);
  expect(asked).toBe(2);
  await fieldOwnership(term, serviceFixture(), workload("2"));
  await fieldOwnership(turn("FieldConflict"), serviceFixture(), before);
  expect(asked).toBe(4);
});

it.each(["Fenced", "Aborted"] as const)("ends the turn when that is over: %s", async (kind) => {
  await expect(fieldOwnership(turn(kind), serviceFixture(), workload("2"))).rejects.toThrow(kind);
});
