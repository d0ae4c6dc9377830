import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alertRules, catalogue, grafanaDashboard, instruments } from "../../src/metrics/index.ts";
import {
  type AlarmSignal,
  type AnalysisMetric,
  analysisMetrics,
  analysisQuery,
  evaluate,
  type LimitSignal,
  type Prometheus,
  prometheusClient,
  type RolloutScope,
  type Signal,
  type Verdict,
} from "../../src/signals/index.ts";
import { ensureServers } from "../../tools/servers.ts";
import { type Prometheus as Server, startPrometheus } from "../harness/prometheus.ts";
import { waitFor } from "../harness/wait.ts";

/** A gateway's metrics, as the real Prometheus scrapes them from the real registry. */
const registry = new Registry();
const monitor = instruments(catalogue.monitor, registry);
const gateway = instruments(catalogue.gateway, registry);
const exporter = createServer((_, response) => {
  void registry.metrics().then((text) => response.setHeader("content-type", registry.contentType).end(text));
});

let server: Server;
let prometheus: Prometheus;

beforeAll(async () => {
  await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
  const address = exporter.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  server = await startPrometheus({
    scrapeInterval: "250ms",
    scrapeConfigs: [{ job_name: "gateway", static_configs: [{ targets: [`127.0.0.1:${address.port}`] }] }],
  });
  prometheus = prometheusClient({ url: server.url });
});
afterAll(async () => {
  await prometheus?.close();
  await server?.stop();
  exporter.closeAllConnections();
  exporter.close();
});

const scope = { namespace: "search", service: "products", model: "sha256:aa" };
const clock = { now: () => Date.now() };
const ask = (signal: Signal): Promise<Verdict> => evaluate(signal, prometheus, clock);
/** Waits until a signal says what it must. */
const becomes = (signal: Signal, reason: Verdict["reason"]): Promise<Verdict> =>
  waitFor(`${reason} of ${signal.kind}`, async () => {
    const verdict = await ask(signal);
    return verdict.reason === reason && verdict;
  });

describe("a built-in signal on the real Prometheus", () => {
  const drift: AlarmSignal = { kind: "BuiltIn", signal: "RepresentationDrift", scope, maxAge: 60_000 };
  const labels = { ...scope, signal: "RepresentationDrift" };

  it("goes from no series through learning, pass and alarm to stale, NaN and gone", async () => {
    expect(await ask(drift)).toMatchObject({ kind: "NoData", reason: "NoSeries" });

    monitor.alarm.set(labels, 0);
    monitor.learning.set(labels, 1);
    monitor.lastBlock.set(scope, Date.now() / 1000);
    expect(await becomes(drift, "Learning")).toMatchObject({ kind: "NoData" });

    monitor.learning.set(labels, 0);
    monitor.log10Evalue.set(labels, 1.5);
    monitor.log10Threshold.set(labels, 4.5);
    monitor.effectSize.set(labels, 0.1);
    monitor.samples.set(labels, 640);
    // Another signal of the same model, and the same of another model, must not be taken for it.
    monitor.alarm.set({ ...labels, signal: "AdversarialAnomaly" }, 1);
    monitor.alarm.set({ ...labels, model: "sha256:bb" }, 1);
    monitor.lastBlock.set({ ...scope, model: "sha256:bb" }, Date.now() / 1000);
    expect(await becomes(drift, "NoAlarm")).toMatchObject({ kind: "Pass", value: 1.5, threshold: 4.5, samples: 640 });

    monitor.alarm.set(labels, 1);
    monitor.alarmNumber.set(labels, 7);
    expect(await becomes(drift, "AlarmRaised")).toMatchObject({ kind: "Fail", alarm: 7, effect: 0.1 });

    monitor.lastBlock.set(scope, Date.now() / 1000 - 61);
    expect(await becomes(drift, "Stale")).toMatchObject({ kind: "NoData", alarm: 7 });

    monitor.lastBlock.set(scope, Date.now() / 1000);
    monitor.alarm.set(labels, Number.NaN);
    expect(await becomes(drift, "NotANumber")).toMatchObject({ kind: "NoData" });

    monitor.alarm.remove(labels);
    expect(await becomes(drift, "NoSeries")).toMatchObject({ kind: "NoData" });
  });
});

describe("queries of the user's own", () => {
  const limit = (query: string, rest: Partial<LimitSignal> = {}): LimitSignal => ({
    kind: "PromQL",
    query,
    above: 0.5,
    maxAge: 60_000,
    ...rest,
  });

  it.each([
    ["a value over the limit", limit("vector(0.75)"), "Fail", "AboveLimit"],
    ["a scalar under it", limit("0.25"), "Pass", "WithinLimits"],
    ["below", limit("vector(0.25)", { above: undefined, below: 0.3 }), "Fail", "BelowLimit"],
    ["0/0", limit("vector(0)/vector(0)"), "NoData", "NotANumber"],
    ["1/0", limit("vector(1)/vector(0)"), "Fail", "AboveLimit"],
    ["nothing", limit("no_such_metric"), "NoData", "NoSeries"],
    ["two series", limit('label_replace(vector(1),"a","b","","") or vector(2)'), "SourceError", "ManySeries"],
    ["a range", limit("up[1m]"), "SourceError", "NotAVector"],
    ["a string", limit('"word"'), "SourceError", "NotAVector"],
    ["no PromQL", limit("avg(("), "SourceError", "BadQuery"],
    ["one that cannot be evaluated", limit("up + on(instance) group_left up[1m]"), "SourceError", "BadQuery"],
    [
      "too few samples",
      limit("vector(0.75)", { samples: { query: "vector(9)", atLeast: 10 } }),
      "NoData",
      "TooFewSamples",
    ],
  ])("%s", async (_, signal, kind, reason) => {
    expect(await ask(signal)).toMatchObject({ kind, reason });
  });

  it("samples older than maxAge do not count, whatever Prometheus's own lookback", async () => {
    await becomes(limit("up", { above: 2 }), "WithinLimits");
    const later = { now: () => Date.now() + 120_000 };
    const old = limit("up", { above: 2, maxAge: 200_000 });
    expect(await evaluate(old, prometheus, later)).toMatchObject({ kind: "Pass" });
    expect(await evaluate({ ...old, maxAge: 60_000 }, prometheus, later)).toMatchObject({ reason: "NoSeries" });
  });

  it("a range query gives points", async () => {
    const now = Date.now();
    const answer = await prometheus.queryRange("vector(1)", { from: now - 2000, to: now, step: 1000 });
    expect(answer).toMatchObject({ kind: "Matrix", series: [{ points: [{ value: 1 }, { value: 1 }, { value: 1 }] }] });
  });
});

describe("analysis of a rollout", () => {
  const rollout = {
    namespace: "search",
    service: "products",
    stable: "sha256:aa",
    candidate: "sha256:cc",
    window: 30_000,
    stage: "Weight",
  } as const;
  const candidate = { namespace: "search", service: "products", model: "sha256:cc" };

  const check = (metric: AnalysisMetric, of: RolloutScope, atLeast: number): Promise<Verdict> => {
    const { query, samplesQuery } = analysisQuery(metric, of);
    return ask({ kind: "PromQL", query, above: 1e9, maxAge: 60_000, samples: { query: samplesQuery, atLeast } });
  };

  it("every check measures what it says", async () => {
    const observe = (): void => {
      const pool = "candidate";
      gateway.requests.inc({ ...candidate, pool, code: "200" }, 90);
      gateway.requests.inc({ ...candidate, pool, code: "503" }, 10);
      gateway.requests.inc({ ...candidate, pool, code: "400" }, 100);
      gateway.refusedRequests.inc({ ...candidate, result: "alone" }, 27);
      gateway.refusedRequests.inc({ ...candidate, result: "both" }, 53);
      gateway.refusedRequests.inc({ ...candidate, result: "unclear" }, 10);
      gateway.refusedRequests.inc({ ...candidate, result: "unasked" }, 10);
      const copies = { answered: 60, failed: 15, refused: 10, unjudged: 300, dropped: 15 };
      for (const [result, count] of Object.entries(copies))
        gateway.mirroredRequests.inc({ ...candidate, result }, count);
      gateway.requests.inc({ ...candidate, pool: "stable", code: "200" }, 95);
      gateway.requests.inc({ ...candidate, pool: "stable", code: "500" }, 5);
      gateway.vectors.inc({ ...candidate, pool }, 200);
      gateway.invalidVectors.inc({ ...candidate, pool, reason: "norm" }, 50);
      monitor.consistencyScored.inc({ ...candidate, pool }, 40);
      monitor.consistencyFlagged.inc({ ...candidate, pool }, 10);
      monitor.consistencyScored.inc({ ...candidate, model: "sha256:aa", pool: "stable" }, 80);
      monitor.consistencyFlagged.inc({ ...candidate, model: "sha256:aa", pool: "stable" }, 8);
      gateway.probedPods.set({ ...candidate, pool }, 4);
      gateway.probeMatchedPods.set({ ...candidate, pool }, 3);
      for (const [digest, of, seconds] of [
        ["sha256:cc", pool, 0.04],
        ["sha256:aa", "stable", 0.009],
      ] as const) {
        gateway.requestDuration.observe({ ...candidate, model: digest, pool: of }, seconds);
      }
      gateway.mirrorCosine.observe(candidate, 0.75);
      gateway.mirrorCosine.observe(candidate, 0.25);
    };
    observe();
    const scraped = (): Promise<Verdict> =>
      ask({
        kind: "PromQL",
        query: `sum(evenkeel_gateway_vectors_total{model="sha256:cc"})`,
        above: 1e9,
        maxAge: 60_000,
      });
    await waitFor("the first scrape", async () => (await scraped()).value === 200);
    observe();
    await waitFor("the second scrape", async () => (await scraped()).value === 400);

    const verdicts = await Promise.all(analysisMetrics.map((metric) => check(metric, rollout, 1)));
    expect(verdicts.map(({ kind, value }) => [kind, value])).toEqual(
      [0.2, (0.025 * 1.99) / (0.005 * 1.99), 0.25, 0.75, 0.25 - 0.1, 0.5].map((value) => [
        "Pass",
        expect.closeTo(value, 6),
      ]),
    );
    // Of 85 copies that say something; what clients were refused counts beside stable only.
    const errors = (stage: RolloutScope["stage"]) => check("ErrorRate", { ...rollout, stage }, 1);
    expect((await errors("Mirror")).value).toBeCloseTo(25 / 85, 6);
    expect((await errors("Watch")).value).toBeCloseTo(0.05, 6);
    const hungry = await Promise.all(analysisMetrics.map((metric) => check(metric, rollout, 1e6)));
    expect(new Set(hungry.map(({ kind, reason }) => `${kind} ${reason}`))).toEqual(new Set(["NoData TooFewSamples"]));
  });

  it.each(analysisMetrics)("%s of a candidate that nobody asked yet is NoData", async (metric) => {
    expect((await check(metric, { ...rollout, candidate: "sha256:dd" }, 1)).kind).toBe("NoData");
  });
});

describe("what is generated from the catalogue", () => {
  const run = promisify(execFile);

  it("alert rules pass promtool", async () => {
    const { promtool } = await ensureServers();
    const folder = await mkdtemp(join(tmpdir(), "evenkeel-rules-"));
    try {
      await writeFile(join(folder, "rules.yaml"), JSON.stringify(alertRules(catalogue)));
      const { stdout } = await run(promtool, ["check", "rules", join(folder, "rules.yaml")]);
      expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("the metrics of a gateway pass promtool's lint", async () => {
    const { promtool } = await ensureServers();
    const check = execFile(promtool, ["check", "metrics"]);
    const done = new Promise<string>((resolve) => {
      let said = "";
      check.stderr?.on("data", (text: string) => (said += text));
      check.once("close", (code) => resolve(`${code} ${said}`));
    });
    check.stdin?.end(await registry.metrics());
    expect(await done).toBe("0 ");
  });

  it("every panel's query is one that Prometheus evaluates", async () => {
    const queries = grafanaDashboard(catalogue).panels.flatMap(({ targets }) => targets ?? []);
    expect(queries.length).toBeGreaterThan(15);
    const answers = queries.map(async ({ expr }) => {
      const filled = expr
        .replaceAll("$namespace", "search")
        .replaceAll("$service", "products")
        .replaceAll("$__rate_interval", "1m");
      const answer = await prometheus.query(filled, Date.now(), 60_000);
      return answer.kind === "Vector" ? "" : `${expr}: ${answer.message}`;
    });
    expect((await Promise.all(answers)).filter((text) => text !== "")).toEqual([]);
  });
});

describe("a Prometheus that goes away", () => {
  it("is a SourceError, not a pass", async () => {
    await server.stop();
    expect(await ask({ kind: "PromQL", query: "up", above: 2, maxAge: 60_000 })).toMatchObject({
      kind: "SourceError",
      reason: "Unreachable",
    });
  });
});
