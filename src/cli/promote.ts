import type { EmbeddingService, ModelRollout, ModelVersion } from "../api/index.ts";
import type { Stored } from "../kube/index.ts";
import { type Cluster, inCluster, type PrintOptions, printData, printingCommand } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { objectName } from "./names.ts";
import { type RolloutWaitOptions, rolloutEnded, withWait } from "./rollout-wait.ts";

interface Options extends PrintOptions, RolloutWaitOptions {
  readonly atOnce?: true;
}

const examples = `
Examples:
  evenkeel promote products                            approves the rollout that waits for a person
  evenkeel promote products products-3f2a91c04b7d      rolls out a version, by the service's steps and analysis
  evenkeel promote products products-3f2a91c04b7d --wait --timeout 2h

A version that a person approved becomes the baseline that later candidates must not lose against.

${exitCodesHelp({
  failed: "failed or rolled back (--wait)",
  notFound: "no such service, rollout or version",
  refused: "refused by the cluster or by a rule",
  timedOut: "no answer or no end (--wait) in time",
})}`;

export const command = withWait(
  printingCommand("promote")
    .summary("approve a rollout, or roll out a version")
    .description("Approves the rollout of a service that waits for a person, or rolls out a version of your choice.")
    .argument("<service>", "name of an EmbeddingService", objectName)
    .argument("[version]", "name of a ModelVersion of it; absent: the rollout under way is approved", objectName)
    .option("--at-once", "without steps, in one move; only with a version"),
)
  .addHelpText("after", examples)
  .action(async (serviceName: string, versionName: string | undefined, options: Options) => {
    await inCluster(options, async (cluster) => {
      const [{ findService }, { requirePromotable }] = await Promise.all([
        import("./rollout-under-way.ts"),
        import("./require-promotable.ts"),
      ]);
      const service = await findService(cluster, serviceName);
      if (options.wait) requirePromotable(service);
      const { rollout, said } =
        versionName === undefined
          ? await approve(cluster, service)
          : await rollOut(cluster, service, versionName, options.atOnce ?? false);
      if (options.output === "text") process.stdout.write(`${said}\n`);
      else if (!options.wait) await printData(rollout, options.output);
      if (options.wait) await rolloutEnded(cluster, rollout, options);
    });
  });

interface Result {
  readonly rollout: ModelRollout;
  readonly said: string;
}

async function approve(cluster: Cluster, service: Stored<EmbeddingService>): Promise<Result> {
  const [{ changeRollout, rolloutUnderWay }, { whoAmI }] = await Promise.all([
    import("./rollout-under-way.ts"),
    import("./who-am-i.ts"),
  ]);
  const rollout: Stored<ModelRollout> = await rolloutUnderWay(cluster, service);
  const { name } = rollout.metadata;
  if (rollout.spec.policy.approval === "Automatic")
    return { rollout, said: `${name} needs no approval: it goes on by itself` };
  const [first] = rollout.spec.approvals;
  if (first) return { rollout, said: `${name} was approved by ${first.by} already` };
  const by = await whoAmI(cluster.kube);
  const approvals = [{ by, at: new Date().toISOString() }];
  return { rollout: await changeRollout(cluster, rollout, { approvals }), said: `${name} is approved by ${by}` };
}

async function rollOut(
  cluster: Cluster,
  service: Stored<EmbeddingService>,
  version: string,
  atOnce: boolean,
): Promise<Result> {
  const { requestRollout } = await import("./request-rollout.ts");
  const { rollout } = await requestRollout(cluster, service, {
    reason: "Manual",
    gradually: !atOnce,
    choose: ({ versions }) => chosen(versions, version, service),
  });
  return {
    rollout,
    said: `${rollout.metadata.name} rolls out ${version}; see \`evenkeel status ${service.metadata.name} --watch\``,
  };
}

function chosen(versions: readonly ModelVersion[], name: string, service: Stored<EmbeddingService>): ModelVersion {
  const found = versions.find(({ metadata }) => metadata.name === name);
  if (!found) {
    const known = versions.map(({ metadata }) => metadata.name).join(", ") || "none yet";
    throw new CommandError("notFound", `${service.metadata.name} has no version ${name}: there are ${known}`);
  }
  if (found.status.phase === "Rejected") {
    throw new CommandError("refused", `${name} was rejected by its gates: make a new run with \`evenkeel retrain\``);
  }
  return found;
}
