import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { openStore } from "../../../src/registry/index.ts";
import { ensureServers } from "../../../tools/servers.ts";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { waitFor } from "../../harness/wait.ts";
import { changed, collection, valid } from "../api/objects.ts";
import { kubeconfigText, startProxy } from "../kube/cluster.ts";
import { type Ended, evenkeel, start } from "./evenkeel.ts";
import { type Story, tellStory } from "./story.ts";

const cluster = inject("cluster");
const main = join(import.meta.dirname, "../../../src/main.ts");
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

const other = `sha256:${"c".repeat(64)}`;
const servicePath = () => `${collection(namespace, "EmbeddingService")}/products`;

/** The operator's part: it names the rollout under way, and the active version. */
async function inRollout(name: string): Promise<void> {
  await api.patch(`${servicePath()}/status`, { status: { rollout: { name, phase: "Progressing" } } });
}

async function active(letter: "a" | "b"): Promise<void> {
  const digest = `sha256:${letter.repeat(64)}`;
  const activeVersion = { name: `products-${letter.repeat(12)}`, digest, uri: `store://models/products@${digest}` };
  await api.patch(`${servicePath()}/status`, { status: { activeVersion } });
}

const backPath = () => `${collection(namespace, "ModelRollout")}/products-aaaaaaaaaaaa-1`;
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

  it("says while it watches that the cluster is away", async () => {
    const proxy = await startProxy();
    const kubeconfig = join(await mkdtemp(join(tmpdir(), "evenkeel-watch-")), "kubeconfig");
    await writeFile(kubeconfig, kubeconfigText(proxy.url, cluster.ca, cluster.token));
    const watching = start(kubeconfig, ["status", "--watch", "-n", namespace]);
    await waitFor("the services", () => watching.out().includes("products"));
    await proxy.stop();
    await waitFor("the outage", () =>
      watching.err().includes(`evenkeel: the API server ${proxy.url}/ does not answer: `),
    );
    watching.signal("SIGINT");
    expect((await watching.ended).code).toBe(0);
    await rm(dirname(kubeconfig), { recursive: true });
  });

  it("watched, is drawn anew with every change until Ctrl-C", async () => {
    const watching = start(cluster.adminKubeconfig, ["status", "products", "--watch", "-n", namespace]);
    const drawings = () => watching.out().split(/^(?=products )/m);
    await waitFor("the first drawing", () => watching.out().includes("└─ audit"));
    const before = drawings().length;
    await api.patch(`${servicePath()}/status`, { status: { phase: "Steady" } });
    await waitFor("the second drawing", () => /^products {2}Steady[^]*└─ audit/m.test(watching.out()));
    await api.patch(`${servicePath()}/status`, { status: { phase: "RollingOut" } });
    await waitFor("the third drawing", () => drawings().length > before + 1);
    watching.signal("SIGINT");
    const { code, err } = await watching.ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const phases = drawings().map((text) => /^products {2}(\w+)/.exec(text)?.[1]);
    expect(phases).toEqual(["RollingOut", "Steady", "RollingOut"]);
  });

  it("watched as YAML, is a document for every change", async () => {
    const watching = start(cluster.adminKubeconfig, ["status", "--watch", "-o", "yaml", "-n", namespace]);
    await waitFor("the first document", () => watching.out().includes("phase: RollingOut"));
    await api.patch(`${servicePath()}/status`, { status: { phase: "Steady" } });
    await waitFor("the second document", () => watching.out().includes("phase: Steady"));
    await api.patch(`${servicePath()}/status`, { status: { phase: "RollingOut" } });
    watching.signal("SIGINT");
    const { code, out } = await watching.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/^---\nservices:\n[^]*\n---\nservices:\n/);
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

describe("evenkeel promote", () => {
  it("approves a rollout that waits for a person, by the name the cluster knows", async () => {
    const waiting = changed(
      valid.ModelRollout,
      ["metadata.name", "products-cccccccccccc-1"],
      ["spec.to", { version: "products-cccccccccccc", digest: other, uri: `store://models/products@${other}` }],
      ["spec.policy.approval", "Manual"],
    );
    await api.create(collection(namespace, "ModelRollout"), waiting);
    await inRollout("products-cccccccccccc-1");
    expect((await run("promote", "products")).out).toBe("products-cccccccccccc-1 is approved by admin\n");
    expect((await run("promote", "products")).out).toBe("products-cccccccccccc-1 was approved by admin already\n");
    const path = `${collection(namespace, "ModelRollout")}/products-cccccccccccc-1`;
    expect(await api.get(path)).toMatchObject({ spec: { approvals: [{ by: "admin" }] } });
  });

  it("rolls out a version, by the service's steps", async () => {
    const { code, out } = await run("promote", "products", "products-bbbbbbbbbbbb", "-o", "json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      // -1 is taken: it is the story's.
      metadata: { name: "products-bbbbbbbbbbbb-2", ownerReferences: [{ kind: "EmbeddingService", uid: story.uid }] },
      spec: {
        reason: "Manual",
        from: { version: "products-aaaaaaaaaaaa" },
        to: { version: "products-bbbbbbbbbbbb" },
        policy: { steps: [{ mirror: "10m" }, {}, {}, { weight: 100 }] },
        approvals: [{ by: "admin" }],
      },
    });
  });

  it("tells which versions there are, and refuses one that is active", async () => {
    expect(await run("promote", "products", "nobody")).toMatchObject({
      code: 3,
      err: expect.stringContaining("there are products-"),
    });
    expect(await run("promote", "products", "products-aaaaaaaaaaaa")).toMatchObject({
      code: 4,
      err: expect.stringContaining("is active already"),
    });
  });

  it("waits, and ends with 6 when the time is up", async () => {
    const { code, err } = await run("promote", "products", "products-bbbbbbbbbbbb", "--wait", "--timeout", "1s");
    expect({ code, err }).toEqual({ code: 6, err: expect.stringContaining("has not ended within 1s") });
  });
});

describe("evenkeel rollback", () => {
  it("goes at once to the version before", async () => {
    await api.patch(`${rolloutPath()}/status`, { status: { phase: "Promoted" } });
    await active("b");
    const { code, out } = await run("rollback", "products", "-o", "json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      metadata: { name: "products-aaaaaaaaaaaa-1" },
      spec: { reason: "Rollback", to: { version: "products-aaaaaaaaaaaa" }, policy: { steps: [{ weight: 100 }] } },
    });
  });

  it("is asked for twice, and made once", async () => {
    const { items } = await api.get<{ items: unknown[] }>(collection(namespace, "ModelRollout"));
    expect(await run("rollback", "products")).toMatchObject({
      code: 0,
      out: expect.stringContaining("products-aaaaaaaaaaaa-1 goes back to products-aaaaaaaaaaaa already\n"),
    });
    expect((await api.get<{ items: unknown[] }>(collection(namespace, "ModelRollout"))).items).toHaveLength(
      items.length,
    );
  });

  it("never goes back to what it has just left, unless that is named", async () => {
    await api.patch(`${backPath()}/status`, { status: { phase: "Promoted" } });
    await active("a");
    expect(await run("rollback", "products")).toMatchObject({
      code: 3,
      err: expect.stringContaining("no version before the active one"),
    });
    expect(await run("rollback", "products", "--to", "products-bbbbbbbbbbbb")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^products-bbbbbbbbbbbb-[0-9] goes back to products-bbbbbbbbbbbb\n/),
    });
  });

  it("says what the version that is left has embedded", async () => {
    const digest = `sha256:${"b".repeat(64)}`;
    const [first, last] = ["2026-11-24T08:00:00.000Z", "2026-11-24T09:00:00.000Z"];
    const counted = { digest, count: 1200, uncounted: 3, first, last };
    await active("b");
    await api.patch(`${servicePath()}/status`, { status: { documents: [counted] } });
    const words = "1200 documents and those of 3 requests that could not be counted";
    expect((await run("status", "products")).out).toMatch(
      new RegExp(`documents\\n.*products-bbbbbbbbbbbb {2}${words} {2}${first} to ${last}`),
    );
    expect((await run("rollback", "products")).out).toContain(
      `embed again what products-bbbbbbbbbbbb embedded from ${first} to ${last}: ${words} so far\n`,
    );
    const reembed = { ...counted, version: "products-bbbbbbbbbbbb" };
    expect(JSON.parse((await run("rollback", "products", "-o", "json")).out).status).toMatchObject({ reembed });
    await api.patch(`${servicePath()}/status`, { status: { documents: [] } });
    await active("a");
  });

  it.each([
    ["rollback", []],
    ["promote", ["products-bbbbbbbbbbbb"]],
  ])("refuses to wait for what somebody else's field would end at once: %s", async (command, version) => {
    const { status } = await api.get<{ status: { conditions: object[] } }>(servicePath());
    const message = "MODEL_URI of the workload is owned by helm: to free it, leave it out";
    const promotable = { type: "Promotable", status: "False", reason: "FieldOwnedBy", message };
    const conditions = [...status.conditions, { ...promotable, lastTransitionTime: new Date().toISOString() }];
    await api.patch(`${servicePath()}/status`, { status: { conditions } });
    const made = async () => (await api.get<{ items: unknown[] }>(collection(namespace, "ModelRollout"))).items.length;
    const before = await made();
    expect(await run(command, "products", ...version, "--wait")).toMatchObject({
      code: 4,
      err: expect.stringContaining(message),
    });
    expect(await made()).toBe(before);
    await api.patch(`${servicePath()}/status`, { status: { conditions: status.conditions } });
  });

  it("goes back from a model that somebody set by hand to the one before it", async () => {
    const digest = `sha256:${"d".repeat(64)}`;
    const set = { name: "products-dddddddddddd", digest, uri: `store://models/products@${digest}` };
    const path = `${collection(namespace, "ModelVersion")}/products-aaaaaaaaaaaa`;
    await api.patch(`${path}/status`, { status: { retiredAt: new Date().toISOString() } });
    await api.patch(`${servicePath()}/status`, { status: { activeVersion: set } });
    expect(await run("rollback", "products")).toMatchObject({
      code: 0,
      out: expect.stringContaining("goes back to products-aaaaaaaaaaaa"),
    });
    await active("a");
  });

  it("ends with 3 when there is nothing before", async () => {
    expect(await run("rollback", "products")).toMatchObject({
      code: 3,
      err: expect.stringContaining("choose with --to"),
    });
  });
});

describe("evenkeel retrain", () => {
  it("is refused while the threat model is not validated", async () => {
    expect(await run("retrain", "products")).toMatchObject({
      code: 4,
      err: expect.stringContaining("not validated yet"),
    });
  });

  it("makes a run of the service's spec with the cause Manual, or shows it", async () => {
    const path = `${collection(namespace, "ThreatModel")}/shop-images/status`;
    await api.patch(path, { status: { hash: `sha256:${"d".repeat(64)}` } });
    const before = await api.get<{ items: unknown[] }>(collection(namespace, "Retraining"));
    const shown = await run("retrain", "products", "--dry-run", "--seed", "7", "-o", "json");
    expect(JSON.parse(shown.out)).toMatchObject({
      spec: {
        cause: { class: "Manual", trigger: "manual", query: "asked for by admin" },
        seed: 7,
        parent: { digest: `sha256:${"a".repeat(64)}` },
        threatModel: { name: "shop-images", perturbations: [{}, {}, {}, {}] },
        gates: expect.arrayContaining([expect.objectContaining({ metric: "CleanAccuracy" })]),
        placement: { gpus: 1 },
      },
    });
    const kept = JSON.parse((await run("retrain", "products", "--dry-run", "-o", "json")).out);
    expect(Object.keys(kept)).toEqual(["apiVersion", "kind", "metadata", "spec"]);
    expect(Object.keys(kept.metadata)).toEqual(["name", "namespace", "labels", "ownerReferences"]);
    expect((await api.get<{ items: unknown[] }>(collection(namespace, "Retraining"))).items).toHaveLength(
      before.items.length,
    );
    const { code, out } = await run("retrain", "products");
    expect(code).toBe(0);
    expect(out).toMatch(/^products-[0-9a-f]{10} is made; see `evenkeel status products --watch`\n$/);
  });
});

describe("evenkeel report", () => {
  it("shows the gates of the newest measured run", async () => {
    const { code, out } = await run("report", "products");
    expect(code).toBe(0);
    expect(out).toMatch(/^products-0123456789 {2}Published {2}GatesPassed: all gates passed\n/);
    expect(out).toMatch(
      /clean +Pass +CleanAccuracy +NonInferiority 0\.02 +0\.971 +-0\.006 +0\.001 +4000 \(needs 3100\)/,
    );
    expect(JSON.parse((await run("report", "products-0123456789", "-o", "json")).out)).toMatchObject({
      gates: [{}, {}, {}],
    });
  });

  it("gives what the evaluation left for those without a store", async () => {
    const each = { candidate: 0.9731, active: 0.975, baseline: null };
    const index = { oldIndexRecall: each, newDocumentRecall: each, mixedIndexRecall: each };
    const report = {
      accuracy: { clean: each, shifted: each, robust: each },
      index: { ...index, overlap: 0.9, negativeFlips: 0.01, mcnemar: null },
    };
    await api.create(`/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: "products-0123456789-report" },
      data: { "report.json": JSON.stringify(report) },
    });
    const { out } = await run("report", "products", "-o", "json");
    expect(JSON.parse(out)).toMatchObject({ run: "products-0123456789", report });
    expect((await run("report", "products")).out).toMatch(
      /measured +candidate +active +baseline\nclean accuracy +0\.973 +0\.975 +–\n/,
    );
  });

  it("gives the whole report out of the store, and finds out when it was changed", async () => {
    const root = await mkdtemp(join(tmpdir(), "evenkeel-store-"));
    const encode = (text: string) => new TextEncoder().encode(text);
    const files = { "report.json": encode('{"schema":"x"}'), "report.html": encode("<!doctype html>") };
    const uri = await openStore(root).putFiles("reports/products", files);
    await api.patch(`${collection(namespace, "Retraining")}/products-0123456789/status`, { status: { report: uri } });
    const page = join(root, "page.html");
    const args = ["report", "products", "--store", root];
    const { out } = await run(...args, "--html", page, "-o", "json");
    expect(JSON.parse(out)).toMatchObject({ uri, report: { schema: "x" } });
    expect(await readFile(page, "utf8")).toBe("<!doctype html>");
    const folder = await openStore(root).resolve(uri);
    await chmod(join(folder, "report.json"), 0o600);
    await writeFile(join(folder, "report.json"), "{}");
    expect((await run(...args, "-o", "json")).code).toBe(5);
    await rm(root, { recursive: true, force: true });
  });

  it("needs the store for the page", async () => {
    expect(await run("report", "products", "--html", "x.html")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--store"),
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

  it.each([
    ["retrain", ""],
    ["report", ""],
    ["status", ""],
    ["pause", "Products"],
    ["rollback", "products", "--to", ""],
    ["status", "-n", ""],
  ])("refuses a name that cannot be one: %s %j", async (...args) => {
    const { code, out, err } = await evenkeel(cluster.adminKubeconfig, args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^error: .* is (invalid|invalid for argument '\w+')\. A name/);
  });

  it("says in one line that its output cannot be written", async () => {
    const full = await open("/dev/full", "w");
    const child = spawn(process.execPath, [main, "--help"], { stdio: ["ignore", full.fd, "pipe"] });
    let err = "";
    child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const [code] = await once(child, "close");
    await full.close();
    expect({ code, err }).toEqual({ code: 1, err: "evenkeel: standard output: no space is left there\n" });
  });

  it("is a plugin of kubectl", async () => {
    const folder = await mkdtemp(join(tmpdir(), "evenkeel-plugin-"));
    await symlink(main, join(folder, "kubectl-evenkeel"));
    const { kubectl } = await ensureServers();
    const path = [folder, dirname(process.execPath), process.env["PATH"]].join(delimiter);
    const { stdout } = await promisify(execFile)(kubectl, ["evenkeel", "pause", "--help"], {
      env: { ...process.env, PATH: path },
    });
    expect(stdout).toMatch(/^Usage: kubectl evenkeel pause /);
    await rm(folder, { recursive: true });
  });

  it("ends with 7 when there is no cluster, in one line", async () => {
    const { code, err } = await evenkeel(join(cluster.dir, "no-such-file"), ["status"]);
    expect(code).toBe(7);
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});
