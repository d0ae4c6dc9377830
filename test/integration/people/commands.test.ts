import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { collection } from "../api/objects.ts";
import { type Ended, evenkeel } from "./evenkeel.ts";
import { type Story, tellStory } from "./story.ts";

const cluster = inject("cluster");
const api = new KubernetesApi(cluster);
let namespace = "";
let story: Story;

beforeAll(async () => {
  await installCrds(api);
  namespace = await makeNamespace(api, "people");
  story = await tellStory(api, namespace);
});
afterAll(() => api.close());

const run = async (...args: readonly string[]): Promise<Ended> =>
  await evenkeel(cluster.adminKubeconfig, [...args, "-n", namespace]);

const rolloutPath = () => `${collection(namespace, "ModelRollout")}/products-bbbbbbbbbbbb-1`;

describe("evenkeel status", () => {
  it("draws a service with its signals, run and rollout", async () => {
    const { code, out } = await run("status", "products");
    expect(code).toBe(0);
    expect(out).toMatch(/^products {2}RollingOut/);
    expect(out).toContain("├─ model  products-aaaaaaaaaaaa  active for 10h");
    expect(out).toMatch(/drift +Fail 12m +0\.624 of 0\.31 +Retrain/);
    expect(out).toMatch(/searches +SourceError 3m +Retrain +Prometheus answered 500/);
    expect(out).toMatch(/run {2}products-0123456789 {2}Published {2}Drift \(drift\)/);
    expect(out).toMatch(/latency +Warn +1\.3 +bound 1\.3 +n 500/);
    expect(out).toMatch(/rollout {2}products-bbbbbbbbbbbb-1 {2}Progressing {2}step 3 of 4 {2}███░+ 25%/);
    expect(out).toContain("└─ audit  5 entries");
  });

  it("gives the same as JSON and YAML", async () => {
    const { out } = await run("status", "-o", "json");
    expect(JSON.parse(out)).toMatchObject({
      services: [
        { service: { metadata: { name: "products" } }, retrainings: [{}], versions: [{}, {}], rollouts: [{}] },
      ],
    });
    expect((await run("status", "-o", "yaml")).out).toMatch(/^services:\n/);
  });

  it("ends with 3 and says what there is", async () => {
    const { code, err } = await run("status", "produkts");
    expect({ code, err }).toEqual({
      code: 3,
      err: `evenkeel: there is no service produkts in namespace ${namespace}: there are products\n`,
    });
  });
});

describe("a rollout", () => {
  const spec = async () => (await api.get<{ spec: { paused: boolean; abort: boolean } }>(rolloutPath())).spec;

  it("is paused and resumed, twice being as good as once", async () => {
    expect((await run("pause", "products")).out).toBe("products-bbbbbbbbbbbb-1 is held at 25%\n");
    expect(await spec()).toMatchObject({ paused: true });
    expect((await run("pause", "products")).out).toBe("products-bbbbbbbbbbbb-1 is paused already\n");
    expect((await run("status")).out).toContain("Progressing (paused)");
    expect(JSON.parse((await run("resume", "products", "-o", "json")).out)).toMatchObject({ spec: { paused: false } });
  });

  it("is aborted for good", async () => {
    expect((await run("abort", "products")).out).toBe("products-bbbbbbbbbbbb-1 goes back to products-aaaaaaaaaaaa\n");
    expect(await spec()).toMatchObject({ abort: true });
    await api.patch(`${rolloutPath()}/status`, { status: { phase: "RolledBack" } });
    expect(await run("abort", "products")).toMatchObject({
      code: 4,
      err: expect.stringContaining("evenkeel rollback products"),
    });
  });
});

describe("evenkeel audit", () => {
  it("lists the entries, those in the status too", async () => {
    const { out } = await run("audit", "list", "products", "--last", "2");
    expect(out.split("\n").filter(Boolean)).toHaveLength(2);
    expect(out).toMatch(/^4 .* RolloutAccepted .*\n5 .* WeightChanged .*"weight":25/);
  });

  it("proves the chain whole", async () => {
    const { code, out } = await run("audit", "verify", "products");
    expect(code).toBe(0);
    expect(out).toMatch(/^whole: 5 entries in 1 segments, 1 of them still in the status, head sha256:[0-9a-f]{64}\n$/);
  });

  it("ends with 5 and names the broken link when an entry was changed", async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/${story.segment}`;
    const { data } = await api.get<{ data: { "entries.jsonl": string } }>(path);
    const forged = data["entries.jsonl"].replace("0.62", "0.12");
    expect(forged).not.toBe(data["entries.jsonl"]);
    await api.patch(path, { data: { "entries.jsonl": forged } });
    const { code, err } = await run("audit", "verify", "products");
    expect(code).toBe(5);
    expect(err).toBe(
      "evenkeel: the audit of products is broken at entry 2: its content does not have its hash; entries before it can be trusted\n",
    );
    await api.patch(path, { data });
  });

  it("ends with 5 when the end was cut off", async () => {
    const path = `${collection(namespace, "EmbeddingService")}/products`;
    const { status } = await api.get<{ status: { audit: object } }>(path);
    await api.patch(`${path}/status`, { status: { audit: { pending: [] } } });
    expect(await run("audit", "verify", "products")).toMatchObject({
      code: 5,
      err: expect.stringContaining("ends at 4"),
    });
    await api.patch(`${path}/status`, { status });
  });
});

describe("any command", () => {
  it("ends with 2 on wrong usage", async () => {
    expect(await run("status", "--colour")).toMatchObject({ code: 2, err: expect.stringContaining("unknown option") });
    expect(await run("pause")).toMatchObject({ code: 2, err: expect.stringContaining("missing required argument") });
  });

  it("ends with 1 when there is no cluster, in one line", async () => {
    const { code, err } = await evenkeel(join(cluster.dir, "no-such-file"), ["status"]);
    expect(code).toBe(1);
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});
