import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { whyNotRead } from "./why-not-read.ts";

it.each([
  ["/nowhere/at-all", "there is no such file"],
  [import.meta.dirname, "it is a folder: a file is needed"],
  [`${import.meta.filename}/below`, "there is no such file: a part of its path is a file and no folder"],
  [`/${"n".repeat(300)}`, "its name is too long"],
])("says of %s: %s", async (path, why) => {
  expect(await readFile(path).catch(whyNotRead)).toBe(why);
});

it("leaves what the file system did not say as it is", () => {
  expect(whyNotRead(new Error("out of memory"))).toBe("out of memory");
});
