import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { installCrds } from "../../harness/crds.ts";
import { ApiError, KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { collection, type Manifest, type ValidName, valid } from "./objects.ts";

const api = new KubernetesApi(inject("cluster"));
let namespace = "";

beforeAll(async () => {
  await installCrds(api);
  namespace = await makeNamespace(api, "api-mutation");
  for (const object of Object.values(valid)) {
    if (object.metadata.name !== "payments") await api.create(collection(namespace, object.kind), object);
  }
});
afterAll(() => api.close());

function path(name: ValidName): string {
  const object: Manifest = valid[name];
  return `${collection(namespace, object.kind)}/${object.metadata.name}`;
}

async function answer(name: ValidName, spec: object): Promise<string> {
  try {
    await api.patch(path(name), { spec });
    return "accepted";
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}

const other = `sha256:${"e".repeat(64)}`;
const ann = { by: "ann@example.com", at: "2026-11-24T08:00:00Z" };

describe("what cannot be changed", () => {
  it.each<readonly [ValidName, string, object, RegExp]>([
    ["Retraining", "seed", { seed: 8 }, /spec: .*immutable/],
    [
      "Retraining",
      "gates",
      { gates: [{ name: "x", metric: "CleanAccuracy", test: "Superiority" }] },
      /spec: .*immutable/,
    ],
    ["ModelVersion", "digest", { digest: other, uri: `store://models/products@${other}` }, /spec: .*immutable/],
    ["ModelRollout", "from", { from: { version: "products-x" } }, /spec\.from: .*immutable/],
    ["ModelRollout", "to", { to: { version: "products-x" } }, /spec\.to: .*immutable/],
    ["ModelRollout", "reason", { reason: "Manual" }, /spec\.reason: .*immutable/],
    ["ModelRollout", "steps", { policy: { steps: [{ weight: 100 }] } }, /spec\.policy: .*immutable/],
    ["ModelRollout", "service", { serviceRef: { name: "other" } }, /spec\.serviceRef: .*immutable/],
    ["EmbeddingService", "field", { model: { container: "embedder", env: "OTHER" } }, /spec\.model: .*immutable/],
    ["EmbeddingService", "workload", { workloadRef: { name: "other" } }, /spec\.workloadRef: .*immutable/],
  ])("%s: its %s", async (name, _field, spec, message) => {
    expect(await answer(name, spec)).toMatch(message);
  });
});

describe("a ModelRollout", () => {
  it("can be paused, resumed and approved", async () => {
    expect(await answer("ModelRollout", { paused: true })).toBe("accepted");
    expect(await answer("ModelRollout", { paused: false })).toBe("accepted");
    expect(await answer("ModelRollout", { approvals: [ann] })).toBe("accepted");
    expect(await answer("ModelRollout", { approvals: [] })).toMatch(/spec\.approvals: .*not changed or taken back/);
  });

  it("is aborted for good", async () => {
    expect(await answer("ModelRollout", { abort: true })).toBe("accepted");
    expect(await answer("ModelRollout", { abort: false })).toMatch(/spec\.abort: .*cannot be taken back/);
  });
});

describe("the API server", () => {
  it("fills in the defaults, the nested ones too", async () => {
    const { spec } = await api.get<{ spec: Record<string, never> }>(path("EmbeddingService"));
    expect(spec).toMatchObject({
      monitoring: { block: "1m", minVectors: 30, canaries: { count: 64, every: "60s" } },
      gateway: { port: 8080, protection: { maxDelay: 100 } },
      retraining: { trainer: { preset: "Adapt", maxSteps: 2000 }, stopAfterFailures: 3 },
      rollout: {
        index: "RequireCompatible",
        watchAfter: "24h",
        analysis: [{ name: "errors", failureLimit: 2 }, {}, {}, {}, {}, {}],
      },
    });
  });

  it("keeps spec and status apart", async () => {
    const status = { phase: "Progressing", weight: 25 };
    await api.patch(path("ModelRollout"), { status });
    expect(await api.get(path("ModelRollout"))).not.toHaveProperty("status");
    await api.patch(`${path("ModelRollout")}/status`, { status, spec: { paused: true } });
    expect(await api.get(path("ModelRollout"))).toMatchObject({ spec: { paused: false }, status });
  });

  it("finds a service's objects by field", async () => {
    const query = (service: string) =>
      `${collection(namespace, "ModelVersion")}?fieldSelector=spec.serviceRef.name%3D${service}`;
    expect(await api.get(query("products"))).toMatchObject({ items: [{}] });
    expect(await api.get(query("other"))).toMatchObject({ items: [] });
  });
});
