import type { Command } from "commander";
import type { ModelRollout } from "../api/index.ts";
import type { Stored } from "../kube/index.ts";
import { inCluster, type PrintOptions, printData, printingCommand } from "./cluster-options.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { objectName } from "./names.ts";

export interface RolloutChange {
  readonly name: "pause" | "resume" | "abort";
  readonly summary: string;
  readonly description: string;
  readonly examples: string;
  /** What is changed; null when it is so already. @throws {CommandError} when it cannot be */
  readonly change: (rollout: ModelRollout) => { paused?: boolean; abort?: boolean } | null;
  /** What is said when it is done. */
  readonly done: (rollout: ModelRollout) => string;
  readonly already: (rollout: ModelRollout) => string;
}

/** A command that changes one field of the rollout that a service is in. */
export function rolloutCommand({
  name,
  summary,
  description,
  examples,
  change,
  done,
  already,
}: RolloutChange): Command {
  const exitCodes = exitCodesHelp({
    done: "done or so already",
    notFound: "no such service or no rollout",
    refused: "refused by the cluster or by a rule",
  });
  return printingCommand(name)
    .summary(summary)
    .description(description)
    .argument("<service>", "name of an EmbeddingService", objectName)
    .addHelpText("after", `\nExamples:\n${examples}\n\n${exitCodes}`)
    .action(async (serviceName: string, options: PrintOptions) => {
      await inCluster(options, async (cluster) => {
        const { changeRollout, findService, rolloutUnderWay } = await import("./rollout-under-way.ts");
        const rollout: Stored<ModelRollout> = await rolloutUnderWay(cluster, await findService(cluster, serviceName));
        const spec = change(rollout);
        const after = spec ? await changeRollout(cluster, rollout, spec) : rollout;
        if (options.output !== "text") await printData(after, options.output);
        else process.stdout.write(`${spec ? done(after) : already(after)}\n`);
      });
    });
}
