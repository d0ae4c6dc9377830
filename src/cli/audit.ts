import { Command } from "commander";
import type { AuditChain } from "../overview/index.ts";
import { evidence } from "./audit-evidence.ts";
import { type Cluster, inCluster, type PrintOptions, printData, printingCommand } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { objectName } from "./names.ts";
import { wholeNumber } from "./numbers.ts";
import { paintFor } from "./paint.ts";
import { columns } from "./tree.ts";

interface Options extends PrintOptions {
  readonly last?: number;
}

const verify = printingCommand("verify")
  .summary("prove the record whole, or name its first broken link")
  .description(
    "Reads the audit segments of a service and checks each entry's hash, its link to the one before, and that the last one " +
      "is the head that the service's status names. Compare that head with the metric evenkeel_audit_head_info of a " +
      "Prometheus that the operator cannot change, to find out about a record that was rewritten as a whole.",
  )
  .argument("<service>", "name of an EmbeddingService", objectName)
  .addHelpText(
    "after",
    `\nExamples:\n  evenkeel audit verify products\n\n${exitCodesHelp({ done: "whole or empty", notFound: "no such service", verificationFailed: "broken" })}`,
  )
  .action(async (name: string, options: Options) => {
    await inCluster(options, async (cluster) => {
      const { verification, ...chain } = await chainOf(cluster, name);
      if (options.output !== "text") {
        await printData(
          { service: name, verification, segments: chain.segments, pending: chain.pending },
          options.output,
        );
      }
      if (verification.kind === "Broken") {
        throw new CommandError(
          "verificationFailed",
          `the audit of ${name} is broken at entry ${verification.seq}: ${verification.reason}; entries before it can be trusted`,
        );
      }
      if (options.output === "text") {
        const pending = chain.pending > 0 ? `, ${chain.pending} of them still in the status` : "";
        process.stdout.write(
          verification.entries === 0
            ? "empty: no decision has been recorded yet, so there is nothing to prove\n"
            : `whole: ${verification.entries} entries in ${chain.segments} segments${pending}, head ${verification.head}\n`,
        );
      }
    });
  });

const list = printingCommand("list")
  .summary("the decisions of a service, oldest first")
  .description("Lists the audit entries of a service: what was decided, about which object, and the facts.")
  .argument("<service>", "name of an EmbeddingService", objectName)
  .option("--last <n>", "only the newest so many", wholeNumber)
  .addHelpText(
    "after",
    `\nExamples:\n  evenkeel audit list products --last 20\n  evenkeel audit list products -o json\n\n${exitCodesHelp({ notFound: "no such service", verificationFailed: "it cannot be read" })}`,
  )
  .action(async (name: string, options: Options) => {
    await inCluster(options, async (cluster) => {
      const { entries } = await chainOf(cluster, name);
      const shown = options.last === undefined ? entries : entries.slice(-options.last);
      if (options.output !== "text") {
        await printData({ service: name, entries: shown }, options.output);
        return;
      }
      const paint = paintFor(process.stdout);
      const rows = shown.map(({ seq, at, kind, subject, detail }) => [
        String(seq),
        paint("dim", at),
        paint("strong", kind),
        subject,
        paint("dim", detail),
      ]);
      process.stdout.write(rows.length === 0 ? "no entries yet\n" : `${columns(rows).join("\n")}\n`);
    });
  });

export const command = new Command("audit")
  .summary("the record of decisions: list it, verify it, and what alarms were raised from")
  .description("The tamper-evident record of every decision that was made for a service.")
  .addCommand(verify)
  .addCommand(list)
  .addCommand(evidence)
  .addHelpText("after", "\nExamples:\n  evenkeel audit list products --last 20\n  evenkeel audit verify products");

async function chainOf(cluster: Cluster, name: string): Promise<AuditChain> {
  const [{ findService }, { readAudit }, { SegmentError }] = await Promise.all([
    import("./rollout-under-way.ts"),
    import("../overview/index.ts"),
    import("../audit/index.ts"),
  ]);
  const service = await findService(cluster, name);
  try {
    return await readAudit(cluster.kube, service);
  } catch (error) {
    if (!(error instanceof SegmentError)) throw error;
    throw new CommandError("verificationFailed", `the audit of ${name} cannot be read: ${error.message}`);
  }
}
