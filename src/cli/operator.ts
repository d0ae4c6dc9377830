import { Command, InvalidArgumentError, Option } from "commander";
import { listenHost } from "./listen-host.ts";

interface Options {
  readonly namespaces?: readonly string[];
  readonly image: string;
  readonly trainerImage: string;
  readonly prometheusAllow: readonly string[];
  readonly port: number;
  readonly leaseDuration: number;
  readonly resync: number;
  readonly leaseNamespace?: string;
  readonly kubeconfig?: string;
}

export const command = new Command("operator")
  .summary("the controllers of the five kinds")
  .description(
    "Watches EmbeddingServices and what belongs to them, and acts: adopts, protects, retrains, proves, rolls out, rolls back. " +
      "Of several replicas one leads, by a Lease.",
  )
  .option("--namespaces <list>", "namespaces to work in, separated by commas (default: all)", nameList)
  .addOption(new Option("--image <image>", "image of the gateways").env("EVENKEEL_IMAGE").makeOptionMandatory())
  .addOption(
    new Option("--trainer-image <image>", "image of training and evaluation")
      .env("EVENKEEL_TRAINER_IMAGE")
      .makeOptionMandatory(),
  )
  .option(
    "--prometheus-allow <url>",
    "begin of URLs that services may name as their Prometheus; repeatable",
    collect,
    [],
  )
  .option("--port <port>", "port of /healthz, /readyz and /metrics", wholeNumber, 8081)
  .option("--lease-duration <duration>", "how long a dead leader's lease holds up the next one", wholeDuration, 15_000)
  .option("--resync <duration>", "how often everything is looked at although nothing changed", wholeDuration, 30_000)
  .option("--lease-namespace <name>", "namespace of the Lease (default: $POD_NAMESPACE, then that of the kubeconfig)")
  .option("--kubeconfig <file>", "path of the kubeconfig (default: the pod's ServiceAccount)")
  .action(async (options: Options) => {
    const [{ runOperator }, { untilStopped, isKubeError }] = await Promise.all([
      import("../operator/run.ts"),
      import("../kube/index.ts"),
    ]);
    const { image, trainerImage, resync, kubeconfig, namespaces, port, prometheusAllow } = options;
    try {
      await runOperator(
        {
          cluster: { kubeconfig },
          settings: { image, trainerImage, resync },
          namespaces,
          prometheusAllow,
          host: listenHost(),
          port,
          lease: {
            namespace: options.leaseNamespace ?? process.env["POD_NAMESPACE"] ?? "default",
            name: "evenkeel-operator",
          },
          leaseDurationMs: options.leaseDuration,
        },
        untilStopped(),
      );
    } catch (error) {
      // Nothing of a lost term may go on, not even what nobody waits for.
      if (isKubeError(error, "Fenced")) process.exit(1);
      throw error;
    }
  });

function collect(value: string, before: readonly string[]): string[] {
  if (!URL.canParse(value)) throw new InvalidArgumentError(`${value} is not a URL.`);
  return [...before, value];
}

function nameList(value: string): string[] {
  const names = value.split(",").map((name) => name.trim());
  if (names.some((name) => !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))) {
    throw new InvalidArgumentError(`${value} is not a list of namespaces such as a,b.`);
  }
  return names;
}

function wholeNumber(value: string): number {
  if (!/^[0-9]{1,5}$/.test(value)) throw new InvalidArgumentError(`${value} is not a port.`);
  return Number(value);
}

/** As in the API, but parsed here: a flag is no field of an object. */
function wholeDuration(value: string): number {
  const match = /^([0-9]+)(s|m|h)$/.exec(value);
  if (!match) throw new InvalidArgumentError(`${value} is not a duration such as 15s or 1m.`);
  return Number(match[1]) * { s: 1000, m: 60_000, h: 3_600_000 }[match[2] === "s" ? "s" : match[2] === "m" ? "m" : "h"];
}
