import { CommandError } from "./command-error.ts";
import { rolloutCommand } from "./rollout-command.ts";

export const command = rolloutCommand({
  name: "abort",
  summary: "end a rollout and go back",
  description:
    "Ends the rollout of a service and goes back to the version it came from. It cannot be taken back: a rollout that is " +
    "wanted after all is a new one, by `evenkeel promote`. A run that still trains is ended by `kubectl delete retraining NAME`.",
  examples: "  evenkeel abort products\n  evenkeel status products --watch     shows it going back",
  change: ({ metadata, spec, status }) => {
    if (status.phase === "Promoted" || status.phase === "RolledBack") {
      throw new CommandError(
        "refused",
        `${metadata.name} has ended (${status.phase}): to leave its version use \`evenkeel rollback ${spec.serviceRef.name}\``,
      );
    }
    return spec.abort ? null : { abort: true };
  },
  done: ({ metadata, spec }) => `${metadata.name} goes back to ${spec.from.version}`,
  already: ({ metadata }) => `${metadata.name} is going back already`,
});
