import { Command, Option } from "commander";
import type { Contact, Kube } from "../kube/index.ts";
import { namespaceName } from "./names.ts";

/** A cluster that is there answers sooner, over a slow line too. */
export const firstAnswerMs = 10_000;

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly watch?: true;
  readonly wait?: true;
}

/** The options by which kubectl finds a cluster and a namespace. */
export function withClusterOptions(command: Command): Command {
  return command
    .option("--kubeconfig <file>", "path of the kubeconfig (default: $KUBECONFIG, then ~/.kube/config)")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("-n, --namespace <name>", "namespace (default: that of the context)", namespaceName);
}

/** The options of a command that prints what it found in a cluster. */
export interface PrintOptions extends ClusterOptions {
  readonly output: "text" | "json" | "yaml";
}

type OutputFormat = "tree" | "json" | "yaml" | "wide" | "text";

/** A command that finds its cluster as kubectl does, and prints in one of the formats, the first unless told otherwise. */
export function printingCommand(
  name: string,
  formats: readonly [OutputFormat, ...OutputFormat[]] = ["text", "json", "yaml"],
): Command {
  const output = new Option("-o, --output <format>", "how to print it").choices(formats).default(formats[0]);
  return withClusterOptions(new Command(name)).addOption(output);
}

export interface Cluster {
  readonly kube: Kube;
  readonly namespace: string;
}

/** Runs `work` with a client, and closes it afterwards. What goes on until something ends says when the cluster is away. */
export async function inCluster<T>(options: ClusterOptions, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { connect, contactLog } = await import("../kube/index.ts");
  const { kubeconfig, context, watch, wait } = options;
  const kube = await connect({
    kubeconfig,
    context,
    fieldManager: "evenkeel-cli",
    timeoutMs: firstAnswerMs,
    ...((watch ?? wait) && {
      onContact: afterAnswer(contactLog((_, message) => console.error(`evenkeel: ${message}`))),
    }),
  });
  try {
    return await work({ kube, namespace: options.namespace ?? kube.namespace ?? "default" });
  } finally {
    await kube.close();
  }
}

/** A command whose first question fails ends, and says why itself. */
function afterAnswer(tell: (contact: Contact) => void): (contact: Contact) => void {
  let answered = false;
  return (contact) => {
    answered ||= contact.error === null;
    if (answered) tell(contact);
  };
}

/** Prints data for machines. */
export async function printData(data: unknown, format: "json" | "yaml"): Promise<void> {
  process.stdout.write(format === "json" ? `${JSON.stringify(data, null, 2)}\n` : (await yamlWriter())(data));
}

/** Writes one of many documents, so that a pipe can read them as they come: JSON one a line, YAML each after `---`. */
export async function documentWriter(format: "json" | "yaml"): Promise<(data: unknown) => string> {
  if (format === "json") return (data) => `${JSON.stringify(data)}\n`;
  const yaml = await yamlWriter();
  return (data) => `---\n${yaml(data)}`;
}

async function yamlWriter(): Promise<(data: unknown) => string> {
  const { stringify } = await import("yaml");
  return (data) => stringify(data, { aliasDuplicateObjects: false });
}
