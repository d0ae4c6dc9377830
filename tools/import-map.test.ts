import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { mayImport } from "./import-map.ts";

it("the map of the house in CONTRIBUTING.md is the one that the check holds to", () => {
  const text = readFileSync(new URL("../CONTRIBUTING.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `src\/(\w+)(?:\.ts)?` +\| .*\| ([a-z, ]+?) +\|$/gm)].map(
    ([, folder = "", allowed = ""]) => [folder, allowed === "nothing" ? [] : allowed.split(", ")],
  );
  expect(Object.fromEntries(rows)).toEqual(mayImport);
});
