import { rolloutCommand } from "./rollout-command.ts";

export const command = rolloutCommand({
  name: "pause",
  summary: "hold a rollout where it is",
  description: "Holds the rollout of a service at its weight. Analysis goes on, and a failure still rolls back.",
  examples: "  evenkeel pause products\n  evenkeel resume products     lets it go on",
  change: ({ spec }) => (spec.paused ? null : { paused: true }),
  done: ({ metadata, status }) => `${metadata.name} is held at ${status.weight}%`,
  already: ({ metadata }) => `${metadata.name} is paused already`,
});
