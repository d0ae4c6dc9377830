import type { EmbeddingService, ModelVersion } from "../api/index.ts";
import type { Stored } from "../kube/index.ts";
import { inCluster, type PrintOptions, printData, printingCommand } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { objectName } from "./names.ts";
import type { Predecessor } from "./requested-rollout.ts";
import { type RolloutWaitOptions, rolloutEnded, withWait } from "./rollout-wait.ts";

interface Options extends PrintOptions, RolloutWaitOptions {
  readonly to?: string;
  readonly gradually?: true;
}

const examples = `
Examples:
  evenkeel rollback products                                     to the version before, at once
  evenkeel rollback products --to products-3f2a91c04b7d --wait   to a certain one
  evenkeel abort products                                        ends a rollout that has not promoted yet

Documents that the left version embedded have to be embedded again. The answer says how many there are so far, and from
when to when they came (status.reembed with -o json; the rollout's own status has it once more at its end). When no
request was marked x-evenkeel-route: documents it says since when the left version has answered.
Nothing holds a rollback back, and a rollout under way makes room for it. Asked for again while it is under way, it goes on
as it is. After a rollback the version before is the one that the active version was rolled out over, never the one that
was just left: that one comes back only when --to names it.

${exitCodesHelp({
  failed: "failed or did not hold (--wait)",
  notFound: "no such service or version",
  refused: "refused by the cluster or by a rule",
  timedOut: "no answer or no end (--wait) in time",
})}`;

export const command = withWait(
  printingCommand("rollback")
    .summary("go back to an earlier version")
    .description("Moves a service back to the version before the active one, or to one of your choice, at once.")
    .argument("<service>", "name of an EmbeddingService", objectName)
    .option("--to <version>", "name of a ModelVersion (default: the one before the active one)", objectName)
    .option("--gradually", "by the service's steps and analysis"),
)
  .addHelpText("after", examples)
  .action(async (serviceName: string, options: Options) => {
    await inCluster(options, async (cluster) => {
      const [
        { findService },
        { requestRollout },
        { predecessor, answeringSince },
        { requirePromotable },
        { reembedOf, reembedText },
      ] = await Promise.all([
        import("./rollout-under-way.ts"),
        import("./request-rollout.ts"),
        import("./requested-rollout.ts"),
        import("./require-promotable.ts"),
        import("../api/index.ts"),
      ]);
      const service: Stored<EmbeddingService> = await findService(cluster, serviceName);
      if (options.wait) requirePromotable(service);
      const active = service.status.activeVersion;
      const left: { since: string | null } = { since: null };
      const reembed = active
        ? reembedOf(service.status.documents, { version: active.name, digest: active.digest })
        : null;
      const { kind, rollout } = await requestRollout(cluster, service, {
        reason: "Rollback",
        gradually: options.gradually ?? false,
        choose: ({ versions, rollouts }) => {
          left.since = active ? answeringSince(active, rollouts) : null;
          return options.to === undefined
            ? before(service, active && predecessor(active, rollouts, versions), versions)
            : named(service, options.to, versions);
        },
      });
      if (options.output === "text") {
        const already = kind === "UnderWay" ? " already" : "";
        process.stdout.write(`${rollout.metadata.name} goes back to ${rollout.spec.to.version}${already}\n`);
        if (reembed) process.stdout.write(`${reembedText(reembed)} so far\n`);
        else if (left.since && active) {
          process.stdout.write(`embed again what your index took in since ${left.since}: ${active.name} embedded it\n`);
        }
      } else if (!options.wait) {
        const status = reembed ? { ...rollout.status, reembed } : rollout.status;
        await printData({ ...rollout, status }, options.output);
      }
      if (options.wait) await rolloutEnded(cluster, rollout, options);
    });
  });

function before(
  service: EmbeddingService,
  found: Predecessor | undefined,
  versions: readonly ModelVersion[],
): ModelVersion {
  switch (found?.kind) {
    case "Version":
      return found.version;
    case "Left": {
      const { name } = found.version.metadata;
      const left = `${found.rollback.metadata.name} went back from ${name}, the version before the active one`;
      throw new CommandError(
        "refused",
        `${left}: name it with --to to have it all the same; there are ${known(versions)}`,
      );
    }
    case "None":
    case undefined:
      throw missing(service, "no version before the active one", versions);
    default:
      return found satisfies never;
  }
}

function named(service: EmbeddingService, name: string, versions: readonly ModelVersion[]): ModelVersion {
  const found = versions.find(({ metadata }) => metadata.name === name);
  if (!found) throw missing(service, `no version ${name}`, versions);
  return found;
}

function missing({ metadata }: EmbeddingService, what: string, versions: readonly ModelVersion[]): CommandError {
  return new CommandError("notFound", `${metadata.name} has ${what}: there are ${known(versions)}; choose with --to`);
}

function known(versions: readonly ModelVersion[]): string {
  return versions.map(({ metadata }) => metadata.name).join(", ") || "none yet";
}
