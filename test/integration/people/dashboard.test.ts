import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startBrowser } from "../../harness/browser.ts";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { freePorts, portOf } from "../../harness/ports.ts";
import { type Prometheus, startPrometheus } from "../../harness/prometheus.ts";
import { temporaryFolder } from "../../harness/temporary-folder.ts";
import { waitFor } from "../../harness/wait.ts";
import { collection } from "../api/objects.ts";
import { kubeconfigText, startProxy } from "../kube/cluster.ts";
import { evenkeel } from "./evenkeel.ts";
import { type Story, tellStory } from "./story.ts";

const cluster = inject("cluster");
const api = new KubernetesApi(cluster);
let namespace = "";
let story: Story;
let exporter: Server;
let prometheus: Prometheus;
let dashboard: ChildProcess;
let url = "";
let browser: Browser;
let page: Page;
const foreign: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  await installCrds(api);
  namespace = await makeNamespace(api, "dashboard");
  story = await tellStory(api, namespace);
  exporter = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4").end(exposition(namespace));
  }).listen(0, "127.0.0.1");
  await once(exporter, "listening");
  const target = `127.0.0.1:${portOf(exporter)}`;
  const scrapeConfigs = [{ job_name: "gateway", honor_labels: true, static_configs: [{ targets: [target] }] }];
  [prometheus, browser] = await Promise.all([startPrometheus({ scrapeConfigs }), startBrowser()]);
  [dashboard, url] = await startDashboard();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("request", (each) => each.url().startsWith(url) || foreign.push(each.url()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
}, 120_000);
afterAll(async () => {
  await browser?.close();
  dashboard?.kill("SIGTERM");
  exporter?.close();
  await prometheus?.stop();
  await api.close();
});

/** What a gateway would export of the story's service. */
function exposition(inNamespace: string): string {
  const labels = `namespace="${inNamespace}",service="products",model="sha256:a"`;
  return `${[
    `evenkeel_monitor_log10_evalue{${labels},signal="RepresentationDrift"} 5.2`,
    `evenkeel_monitor_log10_threshold{${labels},signal="RepresentationDrift"} 4.6`,
    `evenkeel_rollout_weight{namespace="${inNamespace}",service="products"} 25`,
  ].join("\n")}\n`;
}

async function startDashboard(kubeconfig = cluster.adminKubeconfig): Promise<[ChildProcess, string]> {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const options = ["--port", "0", "-n", namespace, "--prometheus", prometheus.url];
  const child = spawn(process.execPath, [main, "dashboard", ...options], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const found = await waitFor("the dashboard's address", () => /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0]);
  return [child, found];
}

/** Kept for people to look at when EVENKEEL_PICTURES names a folder. */
async function picture(name: string): Promise<void> {
  const folder = process.env["EVENKEEL_PICTURES"];
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

describe("the dashboard in a browser", () => {
  it("shows the services with what they are doing", async () => {
    await page.goto(url);
    const card = page.locator(".card", { hasText: "products" });
    await card.waitFor();
    expect(await card.innerText()).toMatch(/RollingOut[\s\S]*drift[\s\S]*0\.624 of 0\.31[\s\S]*25%/);
    expect(await page.locator("#connection").innerText()).toBe("live");
    await picture("services");
  });

  it("opens a service by the keyboard and shows signals, gates, rollout and a whole audit", async () => {
    await page.locator(".card").focus();
    await page.keyboard.press("Enter");
    await page.locator("h1", { hasText: "products" }).waitFor();
    const text = async (title: string) =>
      await page.locator(".panel", { has: page.getByRole("heading", { name: title, exact: true }) }).innerText();
    await page.getByText("whole, 5 entries").waitFor();
    expect(await text("Signals")).toMatch(/searches[\s\S]*SourceError[\s\S]*Prometheus answered 500/);
    expect(await text("Runs")).toMatch(/latency[\s\S]*Warn[\s\S]*slower than 1\.2/);
    expect(await text("Rollouts")).toMatch(/products-bbbbbbbbbbbb-1[\s\S]*Step 3 of 4/);
    expect(await text("Audit")).toMatch(/WeightChanged[\s\S]*VersionAdopted/);
  });

  it("draws what Prometheus has, readable by the arrow keys", async () => {
    const chart = page.locator("figure", { hasText: "RepresentationDrift: evidence" });
    await chart.locator("path.series").first().waitFor({ state: "attached" });
    expect(await chart.locator("path.series").count()).toBe(2);
    expect(await chart.locator(".reading").innerText()).toMatch(/log10 e-value\s+5\.2[\s\S]*threshold\s+4\.6/);
    await page.getByRole("button", { name: "15m" }).click();
    await page.locator('#range-15m[aria-pressed="true"]').waitFor();
    await chart.locator("svg").focus();
    await page.keyboard.press("ArrowLeft");
    await chart.locator(".reading time").waitFor();
    await picture("service");
  });

  it("follows a change without being asked", async () => {
    await api.patch(`${collection(namespace, "ModelRollout")}/products-bbbbbbbbbbbb-1/status`, {
      status: { weight: 77 },
    });
    const summary = page.locator("summary", { hasText: "77%" });
    await summary.waitFor();
    expect(await summary.innerText()).toContain("products-bbbbbbbbbbbb-1");
  });

  it("says when the audit is broken", async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/${story.segment}`;
    const { data } = await api.get<{ data: { "entries.jsonl": string } }>(path);
    await api.patch(path, { data: { "entries.jsonl": data["entries.jsonl"].replace("0.62", "0.12") } });
    await page.reload();
    const badge = page.getByText("broken at entry 2");
    await badge.waitFor();
    expect(await badge.innerText()).toContain("its content does not have its hash");
  });

  it("fits a phone, in the dark", async () => {
    await page.setViewportSize({ width: 375, height: 800 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.getByText("broken at entry 2").waitFor();
    const tooWide = await page.evaluate(
      "[...document.querySelectorAll('main *, header *')].filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.skip')).map((each) => each.outerHTML.slice(0, 120))",
    );
    expect(tooWide).toEqual([]);
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(13, 19, 24)");
    await picture("phone");
    await page.locator("#theme").click();
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(244, 246, 248)");
  });

  it("says what it does not know", async () => {
    await page.goto(`${url}/#/${namespace}/nobody`);
    await page.getByText("There is no such service.").waitFor();
    expect(await page.locator("h1").innerText()).toBe(`${namespace}/nobody`);
  });

  it("asked nobody else, and nothing was refused by its own policy", () => {
    expect(foreign).toEqual([]);
    expect(complaints.filter((text) => !text.includes("404"))).toEqual([]);
  });
});

describe("the dashboard's server", () => {
  it("only reads", async () => {
    const response = await fetch(`${url}/api/services`, { method: "POST" });
    expect(response.status).toBe(405);
  });

  it("gives what a run's evaluation left for people", async () => {
    const path = `${url}/api/services/${namespace}/products/runs/products-0123456789/report`;
    expect((await fetch(path)).status).toBe(404);
    await api.create(`/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: "products-0123456789-report" },
      data: { "report.json": '{"schema":"x"}' },
    });
    expect(await (await fetch(path)).json()).toEqual({ schema: "x" });
    expect((await fetch(path.replace("products-0123456789", "another"))).status).toBe(404);
  });

  it("answers only to names that it knows (DNS rebinding)", async () => {
    const status = await new Promise((resolve, reject) => {
      request(`${url}/api/services`, { headers: { host: "evil.example:80" } }, (response) =>
        resolve(response.resume().statusCode),
      )
        .once("error", reject)
        .end();
    });
    expect(status).toBe(421);
  });

  it("allows no inline code and nothing from elsewhere", async () => {
    const response = await fetch(url);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    const refused = await fetch(`${url}/api/services/${namespace}/products/charts?range=9y`);
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: "range must be one of 15m, 1h, 6h, 24h, 7d" },
    ]);
  });
});

describe("the dashboard's beginning", () => {
  it("ends when the cluster does not answer", async () => {
    const [port = 0] = await freePorts(1);
    const kubeconfig = await kubeconfigFile(`http://127.0.0.1:${port}`);
    expect(await evenkeel(kubeconfig, ["dashboard", "--port", "0"])).toMatchObject({
      code: 7,
      out: "",
      err: expect.stringMatching(/ECONNREFUSED.*is the cluster reachable\? Look at --context and --kubeconfig\n$/),
    });
  });

  it.each([
    ["rubbish", "rubbish"],
    ["another protocol", "ftp://prometheus"],
    ["a query", "http://prometheus:9090/?a=b"],
  ])("refuses %s as a Prometheus", async (_, prometheusUrl) => {
    const { code, err } = await evenkeel(cluster.adminKubeconfig, ["dashboard", "--prometheus", prometheusUrl]);
    expect(code).toBe(2);
    expect(err).toContain(`--prometheus ${prometheusUrl}: must be an http or https URL such as http://127.0.0.1:9090`);
  });

  it("refuses what is no URL as the begin of one", async () => {
    const args = ["dashboard", "--prometheus-allow", "http://prometheus:9090", "zzz"];
    const { code, err } = await evenkeel(cluster.adminKubeconfig, args);
    expect(code).toBe(2);
    expect(err).toContain("zzz is no begin of an http or https URL");
  });

  it("names a port that is taken, and the option", async () => {
    const { port } = new URL(url);
    expect(await evenkeel(cluster.adminKubeconfig, ["dashboard", "--port", port])).toMatchObject({
      code: 1,
      out: "",
      err: `evenkeel: --port ${port}: it is taken: choose another, or 0 for any free one\n`,
    });
  });
});

describe("the dashboard while the cluster is away", () => {
  it("says since when, and that it is back", async () => {
    const proxy = await startProxy();
    const [child, address] = await startDashboard(await kubeconfigFile(proxy.url));
    try {
      await page.goto(address);
      await page.locator(".card", { hasText: "products" }).waitFor();
      expect(await page.locator("#outage").isVisible()).toBe(false);
      const away = proxy.fault({ when: () => true, fault: { kind: "Answer", status: 503 }, times: Infinity });
      proxy.cutAll();
      await page.locator("#outage", { hasText: "The cluster has not answered since" }).waitFor();
      expect(await page.locator("#connection").innerText()).toBe("cluster lost");
      expect(await page.locator(".card", { hasText: "products" }).isVisible()).toBe(true);
      await picture("outage");
      away.remove();
      await page.locator("#connection", { hasText: "live" }).waitFor();
      expect(await page.locator("#outage").isVisible()).toBe(false);
    } finally {
      child.kill("SIGTERM");
      await proxy.stop();
    }
  });
});

async function kubeconfigFile(server: string): Promise<string> {
  const file = join(await temporaryFolder("dashboard"), "kubeconfig");
  await writeFile(file, kubeconfigText(server, cluster.ca, cluster.token));
  return file;
}
