import { Command } from "commander";

export interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly group: "For people:" | "Processes in the cluster:" | "Bundles and datasets:";
  /** Loads the subcommand's file, and nothing else. */
  readonly load: () => Promise<Command>;
}

/** Every subcommand. Each is a file of this folder that exports its `Command`. */
export const subcommands: readonly Subcommand[] = [
  person("status", "services with their signals, runs and rollouts, as a tree", () => import("./status.ts")),
  person("retrain", "start a run now", () => import("./retrain.ts")),
  person("promote", "approve a rollout, or roll out a version", () => import("./promote.ts")),
  person("pause", "hold a rollout where it is", () => import("./pause.ts")),
  person("resume", "let a held rollout go on", () => import("./resume.ts")),
  person("abort", "end a rollout and go back", () => import("./abort.ts")),
  person("rollback", "go back to an earlier version", () => import("./rollback.ts")),
  person("report", "the report of a run: what was measured, and what the gates said", () => import("./report.ts")),
  person(
    "audit",
    "the record of decisions: list it, verify it, and what alarms were raised from",
    () => import("./audit.ts"),
  ),
  person("dashboard", "the web interface, on this machine", () => import("./dashboard.ts")),
  clusterProcess("operator", "the controllers of the five kinds", () => import("./operator.ts")),
  clusterProcess("gateway", "the data plane in front of one service", () => import("./gateway.ts")),
  clusterProcess("train", "one training, told by EVENKEEL_RUN; a first model, by hand", () => import("./train.ts")),
  clusterProcess("evaluate", "one evaluation, told by EVENKEEL_RUN", () => import("./evaluate.ts")),
  clusterProcess("serve", "the reference embedding server", () => import("./serve.ts")),
  bundle("pack", "make a dataset of PNG images or of JSON lines", () => import("./pack.ts")),
  bundle("push", "put a dataset or a model into the store", () => import("./push.ts")),
  bundle("fetch", "a verified copy of a bundle or dataset", () => import("./fetch.ts")),
];

type Load = () => Promise<object>;

function person(name: string, summary: string, load: Load): Subcommand {
  return subcommand(name, summary, "For people:", load);
}

function clusterProcess(name: string, summary: string, load: Load): Subcommand {
  return subcommand(name, summary, "Processes in the cluster:", load);
}

function bundle(name: string, summary: string, load: Load): Subcommand {
  return subcommand(name, summary, "Bundles and datasets:", load);
}

function subcommand(name: string, summary: string, group: Subcommand["group"], load: Load): Subcommand {
  return {
    name,
    summary,
    group,
    load: async () => {
      const exported: unknown[] = Object.values(await load());
      const command = exported.find((value) => value instanceof Command);
      if (!command) throw new TypeError(`src/cli/${name}.ts exports no Command`);
      return command;
    },
  };
}
