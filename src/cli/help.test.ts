import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { subcommands } from "./subcommands.ts";

/** What `--help` prints, examples and exit codes included. */
function help(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

function leavesOf(command: Command): readonly Command[] {
  return command.commands.length > 0 ? command.commands : [command];
}

describe.each(subcommands)("evenkeel $name --help", ({ load }) => {
  it("teaches: what it is for, an example, every exit code", async () => {
    const command = await load();
    expect(help(command)).toMatch(/\nExamples:\n {2}evenkeel /);
    for (const leaf of leavesOf(command)) expect(help(leaf)).toMatch(/\nExit codes: 0 /);
  });

  it("shows defaults as a user would write them", async () => {
    const text = help(await load());
    expect(text).not.toMatch(/default: \[/);
    for (const [, shown] of text.matchAll(/<duration>[^<]*?default:\s+([^)]*)\)/g))
      expect(shown).toMatch(/^"?\d+[smh]"?$/);
  });
});

it.each(subcommands.filter(({ group }) => group === "For people:"))(
  "evenkeel $name --help tells every way in which a command for a cluster may end",
  async ({ load }) => {
    const asking = leavesOf(await load()).filter(({ options }) => options.some(({ long }) => long === "--kubeconfig"));
    expect(asking).not.toEqual([]);
    for (const leaf of asking)
      expect(help(leaf).replaceAll("\n", " ")).toMatch(/Exit codes: 0 .*, 1 .*, 2 .*, 4 .*, 6 .*, 7 no cluster/);
  },
);
