import { type Command, InvalidArgumentError } from "commander";
import type { ModelRollout } from "../api/index.ts";
import { type Cluster, printData } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";

export interface RolloutWaitOptions {
  readonly wait?: true;
  readonly timeout: string;
  readonly output: "text" | "json" | "yaml";
}

/** Adds `--wait` and `--timeout`. */
export function withWait(command: Command): Command {
  return command
    .option("--wait", "until it has ended")
    .option("--timeout <duration>", "how long to wait, such as 30m or 4h", durationText, "1h");
}

function durationText(text: string): string {
  if (!/^[1-9][0-9]{0,6}(s|m|h|d)$/.test(text)) throw new InvalidArgumentError("must be a duration such as 30m or 4h.");
  return text;
}

/** Waits until a rollout has moved the service, and fails when it was rolled back. */
export async function rolloutEnded(
  { kube }: Cluster,
  rollout: ModelRollout,
  { timeout, output }: RolloutWaitOptions,
): Promise<void> {
  const [{ waitFor }, { modelRollouts }, { reembedText }] = await Promise.all([
    import("./wait-for.ts"),
    import("../kinds.ts"),
    import("../api/index.ts"),
  ]);
  const ended = await waitFor(
    kube,
    modelRollouts,
    rollout,
    ({ status: { phase } }) => phase === "Promoted" || phase === "Watching" || phase === "RolledBack",
    timeout,
  );
  const { metadata, spec, status } = ended;
  if (output !== "text") await printData(ended, output);
  else if (status.reembed) process.stdout.write(`${reembedText(status.reembed)}\n`);
  if (status.phase === "RolledBack") {
    throw new CommandError(
      "failed",
      `${metadata.name} was rolled back: ${status.reason}${status.message ? `, ${status.message}` : ""}`,
    );
  }
  if (output === "text") process.stdout.write(`${spec.to.version} is active\n`);
}
