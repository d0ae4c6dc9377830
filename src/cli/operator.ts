import { Command, InvalidArgumentError, Option } from "commander";
import { milliseconds } from "../api/values.ts";
import { listenHost } from "./listen-host.ts";
import { isNamespaceName, namespaceName } from "./names.ts";
import { portNumber } from "./numbers.ts";
import { prometheusBegins } from "./prometheus-allow.ts";

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

const examples = `
Examples:
  evenkeel operator --image registry.example/evenkeel:1 --trainer-image registry.example/trainer:1 \\
      --prometheus-allow http://prometheus.monitoring:9090
  evenkeel operator --namespaces search,fraud --lease-duration 15s --resync 1m …

Durations are whole numbers with a unit: s, m or h. The chart sets all of it: charts/evenkeel/values.yaml.

Exit codes: 0 stopped by SIGTERM, 1 failed or the lease was lost (the next start goes on), 2 wrong usage,
7 there is no kubeconfig and no ServiceAccount that can be used.`;

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
  .addOption(
    new Option("--prometheus-allow <url>", "begin of URLs that services may name as their Prometheus; repeatable")
      .argParser(prometheusBegins)
      .default([], "none, so that no service can be watched"),
  )
  .option("--port <port>", "port of /healthz, /readyz and /metrics", portNumber, 8081)
  .addOption(durationOption("--lease-duration", "how long a dead leader's lease holds up the next one", "15s"))
  .addOption(durationOption("--resync", "how often everything is looked at although nothing changed", "30s"))
  .option(
    "--lease-namespace <name>",
    "namespace of the Lease (default: $POD_NAMESPACE, then that of the kubeconfig)",
    namespaceName,
  )
  .option("--kubeconfig <file>", "path of the kubeconfig (default: the pod's ServiceAccount)")
  .addHelpText("after", examples)
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

function nameList(value: string): string[] {
  const names = value.split(",").map((name) => name.trim());
  if (!names.every(isNamespaceName)) {
    throw new InvalidArgumentError(`${value} is not a list of namespaces such as a,b.`);
  }
  return names;
}

function durationOption(flag: string, description: string, initial: string): Option {
  return new Option(`${flag} <duration>`, description)
    .argParser(wholeDuration)
    .default(wholeDuration(initial), initial);
}

function wholeDuration(value: string): number {
  if (!/^[1-9][0-9]*(s|m|h)$/.test(value))
    throw new InvalidArgumentError(`${value} is not a duration above 0 such as 15s or 1m.`);
  return milliseconds(value);
}
