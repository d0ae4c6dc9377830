import type { Retraining } from "../api/index.ts";
import { type Cluster, inCluster, type PrintOptions, printData, printingCommand } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { objectName } from "./names.ts";
import { seedNumber } from "./numbers.ts";
import { withWait } from "./rollout-wait.ts";

interface Options extends PrintOptions {
  readonly seed?: number;
  readonly dryRun?: true;
  readonly wait?: true;
  readonly timeout: string;
}

const examples = `
Examples:
  evenkeel retrain products                      by the service's spec as it is now
  evenkeel retrain products --dry-run -o yaml    shows the run that would be made
  evenkeel retrain products --wait --timeout 4h

A run made by hand skips the cooldown. Budget, circuit breaker and one run at a time hold for it too: until then it is
Pending, and \`evenkeel status\` tells why.

${exitCodesHelp({
  failed: "failed or rejected (--wait)",
  notFound: "no such service",
  refused: "refused by the cluster or by a rule",
  timedOut: "no answer or no end (--wait) in time",
})}`;

export const command = withWait(
  printingCommand("retrain")
    .summary("start a run now")
    .description("Starts a run of training, evaluation and gates for a service, with the cause Manual.")
    .argument("<service>", "name of an EmbeddingService", objectName)
    .option("--seed <n>", "seed of everything random (default: follows from the cause)", seedNumber)
    .option("--dry-run", "let the cluster check it, and make nothing"),
)
  .addHelpText("after", examples)
  .action(async (name: string, options: Options) => {
    await inCluster(options, async (cluster) => {
      const { requestRun } = await import("./request-run.ts");
      const run = await requestRun(cluster, name, options);
      if (options.output !== "text" && options.dryRun) await printData(manifestOf(run), options.output);
      else if (options.output !== "text" && !options.wait) await printData(run, options.output);
      if (options.output === "text") {
        process.stdout.write(
          options.dryRun
            ? `${run.metadata.name} would be made\n`
            : `${run.metadata.name} is made; see \`evenkeel status ${name} --watch\`\n`,
        );
      }
      if (options.wait && !options.dryRun) await ended(cluster, run, options);
    });
  });

/** What one would keep in a file: without what only the API server and the operator say of an object. */
function manifestOf({ apiVersion, kind, metadata, spec }: Retraining) {
  const { name, namespace, labels, annotations, ownerReferences } = metadata;
  const annotated = Object.keys(annotations).length > 0 && { annotations };
  return { apiVersion, kind, metadata: { name, namespace, labels, ...annotated, ownerReferences }, spec };
}

async function ended({ kube }: Cluster, run: Retraining, { timeout, output }: Options): Promise<void> {
  const [{ waitFor }, { retrainings }, { finishedPhases }] = await Promise.all([
    import("./wait-for.ts"),
    import("../kinds.ts"),
    import("../api/index.ts"),
  ]);
  const object = await waitFor(kube, retrainings, run, ({ status }) => finishedPhases.has(status.phase), timeout);
  const { metadata, status } = object;
  if (output !== "text") await printData(object, output);
  if (status.phase !== "Published") {
    throw new CommandError(
      "failed",
      `${metadata.name} ended ${status.phase}: ${status.reason}${status.message ? `, ${status.message}` : ""}`,
    );
  }
  if (output === "text") process.stdout.write(`${metadata.name} made ${status.modelVersion}\n`);
}
