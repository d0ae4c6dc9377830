import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { Command, Option } from "commander";
import { cannotListen } from "./cannot-listen.ts";
import { type ClusterOptions, firstAnswerMs, inCluster, withClusterOptions } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { listenHost } from "./listen-host.ts";
import { portNumber } from "./numbers.ts";
import { prometheusBegins } from "./prometheus-allow.ts";

interface Options extends ClusterOptions {
  readonly allNamespaces?: true;
  readonly port: number;
  readonly host: string;
  readonly allowHost: readonly string[];
  readonly prometheus?: string;
  readonly prometheusAllow: readonly string[];
}

const examples = `
Examples:
  evenkeel dashboard                                             the services of the context's namespace
  evenkeel dashboard -A --port 8765                              of all namespaces, at a fixed port
  kubectl -n monitoring port-forward svc/prometheus 9090 &
  evenkeel dashboard --prometheus http://127.0.0.1:9090          when services name a Prometheus by a name of the cluster

It only reads, with your own rights in the cluster, and listens on this machine alone unless --host says otherwise.

${exitCodesHelp({ done: "stopped", failed: "failed or the port is taken" })}`;

export const command = withClusterOptions(new Command("dashboard"))
  .summary("the web interface, on this machine")
  .description("Serves a web page with services, signals over time, runs, gates, rollouts and the audit.")
  .option("-A, --all-namespaces", "services of all namespaces")
  .option("--port <port>", "port to listen on, 0 for any free one", portNumber, 8765)
  .option("--host <address>", "address to listen on", listenHost())
  .addOption(
    new Option("--allow-host <name...>", "names besides localhost that it may be asked for by").default([], "none"),
  )
  .option("--prometheus <url>", "Prometheus to ask, in place of the one that each service names", prometheusUrl)
  .addOption(
    new Option(
      "--prometheus-allow <url...>",
      "begins of URLs that services' Secrets (CA, headers, authorization) may be used with",
    )
      .argParser(prometheusBegins)
      .default([], "none"),
  )
  .addHelpText("after", examples)
  .action(async (options: Options) => {
    const [{ dashboard }, { reachability }, { follow }, { embeddingServices }] = await Promise.all([
      import("../dashboard/server.ts"),
      import("../dashboard/reachability.ts"),
      import("../overview/index.ts"),
      import("../kinds.ts"),
    ]);
    await inCluster(options, async ({ kube, namespace }) => {
      const { prometheus, prometheusAllow, host } = options;
      const scope = options.allNamespaces ? undefined : namespace;
      const ask = async () => {
        await kube.list(embeddingServices, { namespace: scope, timeoutMs: firstAnswerMs });
      };
      // Before a page is served: a cluster that does not answer is said here, and not by a page that stays empty.
      await ask();
      const page = dashboard({ kube, prometheus, prometheusAllow, hosts: [host, ...options.allowHost] });
      const server = createServer(page.app);
      const stop = new AbortController();
      const end = () => stop.abort();
      process.once("SIGINT", end).once("SIGTERM", end);
      server.listen(options.port, host);
      await once(server, "listening").catch((error: unknown) => {
        throw cannotListen(error, { ports: { "--port": options.port }, host });
      });
      process.stdout.write(`evenkeel dashboard: ${urlOf(server)}\n`);
      try {
        const onFault = reachability({ ask, tell: page.lost, signal: stop.signal });
        await follow(kube, scope, page.show, stop.signal, onFault);
      } finally {
        await page.close();
        server.closeAllConnections();
        server.close();
      }
    });
  });

function urlOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("the dashboard listens on no TCP port");
  const { address, port } = bound;
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
}

function prometheusUrl(text: string): string {
  const url = URL.parse(text);
  if (url && ["http:", "https:"].includes(url.protocol) && url.search === "" && url.hash === "") return text;
  throw new CommandError("usage", `--prometheus ${text}: must be an http or https URL such as http://127.0.0.1:9090`);
}
