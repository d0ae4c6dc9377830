import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { subcommands } from "./subcommands.ts";

/** What `--help` prints, examples and exit codes included. */
function help(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

describe.each(subcommands)("evenkeel $name --help", ({ load }) => {
  it("teaches: what it is for, an example, every exit code", async () => {
    const command = await load();
    expect(help(command)).toMatch(/\nExamples:\n {2}evenkeel /);
    const leaves = command.commands.length > 0 ? command.commands : [command];
    for (const leaf of leaves) expect(help(leaf)).toMatch(/\nExit codes: 0 /);
  });

  it("shows defaults as a user would write them", async () => {
    const text = help(await load());
    expect(text).not.toMatch(/default: \[/);
    for (const [, shown] of text.matchAll(/<duration>[^<]*?default:\s+([^)]*)\)/g))
      expect(shown).toMatch(/^"?\d+[smh]"?$/);
  });
});
