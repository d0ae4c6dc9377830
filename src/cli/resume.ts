import { rolloutCommand } from "./rollout-command.ts";

export const command = rolloutCommand({
  name: "resume",
  summary: "let a held rollout go on",
  description: "Lets the rollout of a service go on that `evenkeel pause` holds.",
  examples: "  evenkeel resume products",
  change: ({ spec }) => (spec.paused ? { paused: false } : null),
  done: ({ metadata, status }) => `${metadata.name} goes on from ${status.weight}%`,
  already: ({ metadata }) => `${metadata.name} is not paused`,
});
