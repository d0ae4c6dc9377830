import type { Overview } from "../overview/index.ts";
import { type ClusterOptions, documentWriter, inCluster, printData, printingCommand } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { objectName } from "./names.ts";
import { paintFor } from "./paint.ts";
import { statusTree } from "./status-tree.ts";

interface Options extends ClusterOptions {
  readonly allNamespaces?: true;
  readonly watch?: true;
  readonly output: "tree" | "wide" | "json" | "yaml";
}

const examples = `
Examples:
  evenkeel status                    the services of the context's namespace
  evenkeel status products           one service
  evenkeel status -A                 of all namespaces
  evenkeel status products --watch   drawn anew with every change
  evenkeel status products -o wide   all runs, versions and rollouts
  evenkeel status -o json | jq '.services[].service.status.phase'

${exitCodesHelp({ notFound: "no such service" })}`;

export const command = printingCommand("status", ["tree", "wide", "json", "yaml"])
  .summary("services with their signals, runs and rollouts, as a tree")
  .description("Shows services as trees: model, signals, what is held back and why, runs with their gates, rollouts.")
  .argument("[service]", "name of an EmbeddingService (default: all)", objectName)
  .option("-A, --all-namespaces", "services of all namespaces")
  .option("-w, --watch", "draw it anew with every change, until Ctrl-C")
  .addHelpText("after", examples)
  .action(async (name: string | undefined, options: Options) => {
    await inCluster(options, async ({ kube, namespace }) => {
      const scope = options.allNamespaces ? undefined : namespace;
      const { overview, readObjects } = await import("../overview/index.ts");
      // Also before watching, so that a cluster that does not answer and a name that is not there are said at once.
      const views = chosen(overview(await readObjects(kube, scope)), name, namespace);
      if (options.watch) {
        const { watchOverviews } = await import("./watch-overviews.ts");
        const draw = await drawer(options, namespace);
        await watchOverviews(kube, scope, (all) => process.stdout.write(draw(named(all, name))));
        return;
      }
      await print(views, options, namespace);
    });
  });

function chosen(views: readonly Overview[], name: string | undefined, namespace: string): readonly Overview[] {
  const found = named(views, name);
  if (name === undefined || found.length > 0) return found;
  const known = views.map(({ service }) => service.metadata.name);
  const there = known.length > 0 ? `there are ${known.join(", ")}` : "there are none; look in another with -n or -A";
  throw new CommandError("notFound", `there is no service ${name} in namespace ${namespace}: ${there}`);
}

function named(views: readonly Overview[], name: string | undefined): readonly Overview[] {
  return name === undefined ? views : views.filter(({ service }) => service.metadata.name === name);
}

async function print(views: readonly Overview[], options: Options, namespace: string): Promise<void> {
  if (options.output === "json" || options.output === "yaml") {
    await printData({ services: views }, options.output);
    return;
  }
  process.stdout.write(`${lines(views, options, namespace).join("\n")}\n`);
}

function lines(views: readonly Overview[], options: Options, namespace: string): string[] {
  if (views.length === 0) {
    return [options.allNamespaces ? "no services" : `no services in namespace ${namespace} (look in all with -A)`];
  }
  const paint = paintFor(process.stdout);
  const tree = {
    now: Date.now(),
    paint,
    wide: options.output === "wide",
    withNamespace: options.allNamespaces ?? false,
  };
  return views.flatMap((view, index) => [...(index > 0 ? [""] : []), ...statusTree(view, tree)]);
}

/** What is written at each change. */
async function drawer(options: Options, namespace: string): Promise<(views: readonly Overview[]) => string> {
  if (options.output === "json" || options.output === "yaml") {
    const document = await documentWriter(options.output);
    return (services) => document({ services });
  }
  return (views) => {
    const text = lines(views, options, namespace).join("\n");
    // Home, then clear to the end: no flicker, and nothing is left of a longer picture.
    return process.stdout.isTTY ? `\u001b[H\u001b[J${text}\n` : `${text}\n\n`;
  };
}
