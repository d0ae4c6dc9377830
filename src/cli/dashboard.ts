import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { Command } from "commander";
import { type ClusterOptions, inCluster, withClusterOptions } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { listenHost } from "./listen-host.ts";

interface Options extends ClusterOptions {
  readonly allNamespaces?: true;
  readonly port: number;
  readonly host: string;
  readonly allowHost: readonly string[];
  readonly prometheus?: string;
}

const examples = `
Examples:
  evenkeel dashboard                                             the services of the context's namespace
  evenkeel dashboard -A --port 8765                              of all namespaces, at a fixed port
  kubectl -n monitoring port-forward svc/prometheus 9090 &
  evenkeel dashboard --prometheus http://127.0.0.1:9090          when services name a Prometheus by a name of the cluster

It only reads, with your own rights in the cluster, and listens on this machine alone unless --host says otherwise.`;

export const command = withClusterOptions(new Command("dashboard"))
  .summary("the web interface, on this machine")
  .description("Serves a web page with services, signals over time, runs, gates, rollouts and the audit.")
  .option("-A, --all-namespaces", "services of all namespaces")
  .option("--port <port>", "port to listen on, 0 for any free one", portNumber, 8765)
  .option("--host <address>", "address to listen on", listenHost())
  .option("--allow-host <name...>", "names besides localhost that it may be asked for by", [])
  .option("--prometheus <url>", "Prometheus to ask, in place of the one that each service names")
  .addHelpText("after", examples)
  .action(async (options: Options) => {
    const [{ dashboard }, { follow }] = await Promise.all([
      import("../dashboard/server.ts"),
      import("../overview/index.ts"),
    ]);
    await inCluster(options, async ({ kube, namespace }) => {
      const { prometheus, host } = options;
      const page = dashboard({ kube, prometheus, hosts: [host, ...options.allowHost] });
      const server = createServer(page.app);
      const stop = new AbortController();
      const end = () => stop.abort();
      process.once("SIGINT", end).once("SIGTERM", end);
      server.listen(options.port, host);
      await once(server, "listening");
      process.stdout.write(`evenkeel dashboard: ${urlOf(server)}\n`);
      try {
        await follow(kube, options.allNamespaces ? undefined : namespace, page.show, stop.signal);
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

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new CommandError("usage", `--port ${text}: must be a whole number from 0 to 65535`);
  }
  return port;
}
