#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { basename } from "node:path";
import { Command } from "commander";
import { whyNotWritten } from "./cli/cannot-write.ts";
import { exitCodes } from "./cli/command-error.ts";
import { explain } from "./cli/explain.ts";
import { subcommands } from "./cli/subcommands.ts";

// Code that was compiled once is found again: a command starts in half the time.
enableCompileCache();

/** The command line: finds the subcommand and loads only its file, so that the operator never loads TensorFlow. */
async function main(argv: readonly string[]): Promise<void> {
  const plugin = basename(argv[1] ?? "").startsWith("kubectl-");
  const program = new Command(plugin ? "kubectl evenkeel" : "evenkeel")
    .description("Keeps embedding services on an even keel: watches, retrains robustly, proves, rolls out or back.")
    .version("0.1.0")
    .option("--verbose", "show the stack of an error", false)
    .showHelpAfterError("(add --help for what is possible)")
    .configureHelp({ showGlobalOptions: true });

  const asked = argv.slice(2).find((argument) => !argument.startsWith("-"));
  const wanted = subcommands.find(({ name }) => name === (asked === "help" ? argv.at(-1) : asked));
  if (wanted) {
    program.addCommand(await wanted.load());
  } else {
    for (const { name, summary, group } of subcommands) {
      program.addCommand(new Command(name).summary(summary).description(summary).helpGroup(group));
    }
    program.addHelpText("after", '\nEach command tells more with --help, as in "evenkeel status --help".');
  }
  if (wanted?.group !== "Processes in the cluster:") endWithReader();
  try {
    throwInsteadOfExit(program);
    await program.parseAsync(argv);
  } catch (error) {
    const { message, exitCode } = explain(error);
    const verbose = argv.includes("--verbose");
    if (message) process.stderr.write(`evenkeel: ${message}\n`);
    if (verbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = exitCode;
  }
}

/** `evenkeel status | head -1`: when nobody reads any more there is nothing left to do; on a full disk, nothing to be done. */
function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.done);
    process.stderr.write(`evenkeel: standard output: ${whyNotWritten(error) ?? error.message}\n`);
    process.exit(exitCodes.failed);
  });
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) throwInsteadOfExit(inner);
}

await main(process.argv);
