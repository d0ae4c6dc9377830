import { join } from "node:path";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { type Kube, secrets } from "../kube/index.ts";
import { type Overview, publishedReport, readAudit } from "../overview/index.ts";
import { ChartSources } from "./chart-sources.ts";
import { noCharts, ranges, readCharts } from "./charts.ts";
import { auditView, cardOf, detailOf } from "./payload.ts";
import type { Outage } from "./reachability.ts";

export interface DashboardOptions {
  readonly kube: Kube;
  /** Base URL of the Prometheus to ask; each service's own when absent. */
  readonly prometheus?: string | undefined;
  /** Begins of URLs that what is in services' Secrets may be sent to. */
  readonly prometheusAllow?: readonly string[];
  /** Names besides loopback that the page may be asked for by. */
  readonly hosts?: readonly string[];
  readonly now?: () => number;
}

export interface Dashboard {
  readonly app: Express;
  /** Takes the newest state of all services; browsers that look are told. */
  readonly show: (views: readonly Overview[]) => void;
  /** Takes that the cluster no longer answers, or null when it does again; browsers are told what they look at. */
  readonly lost: (outage: Outage | null) => void;
  readonly close: () => Promise<void>;
}

const web = join(import.meta.dirname, "web");

/** No inline code, nothing from elsewhere, nobody's frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The web interface: static files, the state of the services as JSON, and a stream that says when it has changed. */
export function dashboard(options: DashboardOptions): Dashboard {
  const { kube, prometheus, prometheusAllow: allowed = [], hosts = [], now = Date.now } = options;
  let views: readonly Overview[] | null = null;
  let outage: Outage | null = null;
  const listeners = new Set<Response>();
  const outageEvent = () => `event: cluster\ndata: ${JSON.stringify(outage)}\n\n`;
  const sources = new ChartSources((key, signal) => kube.get(secrets, key, { signal }), { prometheus, allowed });
  const app = express();
  app.disable("x-powered-by");
  app.use(onlyReading, onlyKnownHosts(hosts), secured);

  const find = (request: Request): Overview | undefined => {
    const { namespace, name } = request.params;
    return views?.find(({ service }) => service.metadata.namespace === namespace && service.metadata.name === name);
  };

  app.get("/api/services", (_request, response) => {
    response.json({ synced: views !== null, services: (views ?? []).map(cardOf) });
  });
  app.get("/api/services/:namespace/:name", (request, response) => {
    const view = find(request);
    if (view) response.json(detailOf(view));
    else notFound(response, "there is no such service");
  });
  app.get("/api/services/:namespace/:name/audit", async (request, response) => {
    const view = find(request);
    if (!view) return notFound(response, "there is no such service");
    response.json(auditView(await readAudit(kube, view.service)));
  });
  app.get("/api/services/:namespace/:name/runs/:run/report", async (request, response) => {
    const run = find(request)?.retrainings.find(({ metadata }) => metadata.name === request.params["run"]);
    const report = run && (await publishedReport(kube, run));
    if (report === undefined || report === null) return notFound(response, "there is no report for people");
    response.json(report);
  });
  app.get("/api/services/:namespace/:name/charts", async (request, response) => {
    const view = find(request);
    if (!view) return notFound(response, "there is no such service");
    const { range = "1h" } = request.query;
    const minutes = typeof range === "string" ? ranges[range] : undefined;
    if (minutes === undefined) {
      response.status(400).json({ error: `range must be one of ${Object.keys(ranges).join(", ")}` });
      return;
    }
    const { namespace, name: service } = view.service.metadata;
    const left = new AbortController();
    response.once("close", () => left.abort());
    const source = await sources.find(view.service, left.signal);
    const wanted = { namespace, service, minutes, now: now() };
    const charts = "fault" in source ? noCharts(wanted, source.fault) : await readCharts(source.prometheus, wanted);
    response.json({ ...charts, source: source.url });
  });
  app.get("/api/changes", (request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(`retry: 2000\n\n${outageEvent()}`);
    listeners.add(response);
    request.once("close", () => listeners.delete(response));
  });
  app.use(express.static(web, { extensions: ["html"], cacheControl: false, dotfiles: "ignore" }));
  app.use((_request, response) => notFound(response, "not found"));
  app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
    response.status(502).json({ error: error.message });
  });

  return {
    app,
    show: (newest) => {
      views = newest;
      for (const listener of listeners) listener.write("event: changed\ndata: \n\n");
    },
    lost: (newest) => {
      outage = newest;
      for (const listener of listeners) listener.write(outageEvent());
    },
    close: async () => {
      for (const listener of listeners) listener.end();
      await sources.close();
    },
  };
}

function notFound(response: Response, error: string): void {
  response.status(404).json({ error });
}

function onlyReading(request: Request, response: Response, next: NextFunction): void {
  if (request.method === "GET" || request.method === "HEAD") next();
  else response.status(405).set("allow", "GET, HEAD").json({ error: "the dashboard only reads" });
}

/** A page elsewhere whose name is bound to 127.0.0.1 (DNS rebinding) must not read the cluster through us. */
function onlyKnownHosts(hosts: readonly string[]) {
  const known = new Set(["localhost", "127.0.0.1", "[::1]", ...hosts]);
  return (request: Request, response: Response, next: NextFunction): void => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    if (known.has(host)) next();
    else response.status(421).json({ error: `unknown host ${host}` });
  };
}

function secured(_request: Request, response: Response, next: NextFunction): void {
  response.set({
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
  });
  next();
}
