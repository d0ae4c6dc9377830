import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { cannotListen } from "./cannot-listen.ts";
import { listenHost } from "./listen-host.ts";
import { namespaceName, objectName } from "./names.ts";
import { portNumber } from "./numbers.ts";

type Options = {
  readonly service: string;
  readonly namespace?: string;
  readonly port: number;
  readonly adminPort: number;
  readonly tls?: string;
};

const examples = `
Examples:
  evenkeel gateway --service products --namespace search      with EVENKEEL_STORE, POD_NAME and POD_IP as the operator sets them

The operator makes the Deployment of a service's gateways; by hand one is started to look at it alone.

Exit codes: 0 stopped by SIGTERM, 1 failed, 2 wrong usage, 7 there is no kubeconfig and no ServiceAccount that can be used.`;

export const gateway = new Command("gateway")
  .description(
    "The data plane in front of one service: passes requests to its pods, splits traffic between models, keeps the " +
      "statistics and protects. Its routing comes from the ConfigMap SERVICE-gateway that the operator writes.",
  )
  .requiredOption("--service <name>", "name of the EmbeddingService", objectName)
  .option("--namespace <name>", "its namespace (default: $POD_NAMESPACE)", namespaceName)
  .option("--port <port>", "where clients send requests", portNumber, 8080)
  .option("--admin-port <port>", "health, metrics and block statistics", portNumber, 9090)
  .option("--tls <dir>", "serve https with tls.crt and tls.key of this folder, read again when they change")
  .addHelpText("after", examples)
  .action(run);

async function run(options: Options): Promise<void> {
  const { service, namespace = process.env["POD_NAMESPACE"], port, adminPort, tls } = options;
  const store = process.env["EVENKEEL_STORE"] ?? null;
  const { CommandError } = await import("./command-error.ts");
  if (!namespace) throw new CommandError("usage", "no namespace: give --namespace or set POD_NAMESPACE");
  const { connect, contactLog, isOfContact, untilStopped } = await import("../kube/index.ts");
  const { Gateway, readCertificate } = await import("../gateway/index.ts");
  if (tls !== undefined) {
    const missing = ["tls.crt", "tls.key"].find((file) => !existsSync(join(tls, file)));
    if (missing !== undefined) throw new CommandError("usage", `--tls ${tls}: ${missing} is not there`);
  }
  const certificate = tls === undefined ? null : await readCertificate(tls);
  const stopped = untilStopped();
  const onContact = contactLog((_, message) => console.error(`gateway: ${message}`));
  const kube = await connect({ fieldManager: "evenkeel-gateway", onContact });
  const logFault = faultLog();
  const running = new Gateway({
    kube,
    namespace,
    service,
    pod: process.env["POD_NAME"] ?? `gateway-${process.pid}`,
    host: listenHost(),
    port,
    adminPort,
    tls: tls && certificate ? { folder: tls, certificate } : null,
    store,
    traffic: process.env["EVENKEEL_TRAFFIC_STORE"] ?? store,
    onFault: (error) => {
      if (!isOfContact(error)) logFault(error);
    },
    onNews: (message) => console.error(`gateway: ${message}`),
  });
  try {
    const ports = await running.listen().catch((error: unknown) => {
      throw cannotListen(error, { ports: { "--port": port, "--admin-port": adminPort } });
    });
    console.log(
      `gateway of ${namespace}/${service} on port ${ports.port}${tls ? " (https)" : ""}, admin on ${ports.adminPort}`,
    );
    await running.run(stopped);
  } finally {
    await kube.close();
  }
}

/** The same fault is said once a minute, or a broken store would fill the disk. */
function faultLog(): (error: unknown) => void {
  const said = new Map<string, number>();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    const now = performance.now();
    if (now - (said.get(message) ?? -Infinity) < 60_000) return;
    if (said.size > 1000) said.clear();
    said.set(message, now);
    console.error(`gateway: ${message}`);
  };
}
