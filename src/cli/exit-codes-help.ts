import { type ExitCode, exitCodes } from "./command-error.ts";

type Meanings = Readonly<Partial<Record<ExitCode, string>>>;

/** How any command may end that asks a cluster. */
const ofClusterCommands: Meanings = {
  done: "done",
  failed: "failed",
  usage: "wrong usage",
  refused: "the cluster refused",
  timedOut: "no answer in time",
  unreachable: "no cluster with evenkeel can be reached",
};

/**
 * The end of the help of a command that asks a cluster: its exit codes.
 *
 * @param own  what codes mean to this command, in place of or beside what they mean to all
 */
export function exitCodesHelp(own: Meanings): string {
  const meanings: Partial<Record<string, string>> = { ...ofClusterCommands, ...own };
  const each = Object.entries(exitCodes).flatMap(([name, code]) => (meanings[name] ? `${code} ${meanings[name]}` : []));
  return wrapped(`Exit codes: ${each.join(", ")}.`);
}

/** Lines of at most 120 characters. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,120})(?: |$)/g, "$1\n").trimEnd();
}
