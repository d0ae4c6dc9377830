import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exitCodes } from "./command-error.ts";
import { type Place, requireWritable } from "./require-writable.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "places-"));
  await writeFile(join(folder, "file"), "mine");
  await mkdir(join(folder, "folder"));
});
afterEach(() => rm(folder, { recursive: true }));

const tried = (path: string, kind: Place["kind"]): Promise<void> =>
  requireWritable({ option: "--to", path: path.startsWith("/") ? path : join(folder, path), kind });

describe("requireWritable", () => {
  it.each<[string, Place["kind"]]>([
    ["folder", "Folder"],
    ["new", "Folder"],
    ["new/below/below", "Folder"],
    ["file", "File"],
    ["folder/new", "File"],
  ])("lets %s through as a %s, and leaves nothing there", async (path, kind) => {
    await tried(path, kind);
    expect((await readdir(folder, { recursive: true })).toSorted()).toEqual(["file", "folder"]);
    expect(await readFile(join(folder, "file"), "utf8")).toBe("mine");
  });

  it.each<[string, Place["kind"], string]>([
    ["file", "Folder", "it is a file: a folder is needed"],
    ["file/below", "Folder", "a file is in the way"],
    ["file/below/below", "Folder", "a file is in the way"],
    ["/proc/x/y", "Folder", "nothing can be made there"],
    ["/sys/x", "Folder", "it is read-only or not writable for this user"],
    ["/sys/x", "File", "it is read-only or not writable for this user"],
    ["n".repeat(300), "Folder", "its name is too long"],
    ["folder", "File", "it is a folder: a file is needed"],
    ["new/file", "File", "there is no such folder to put it into"],
    ["file/below", "File", "there is no such folder to put it into"],
    ["/proc/x", "File", "nothing can be made there"],
  ])("refuses %s as a %s", async (path, kind, why) => {
    const whole = path.startsWith("/") ? path : join(folder, path);
    await expect(tried(path, kind)).rejects.toMatchObject({
      message: `--to ${whole}: ${why}`,
      exitCode: exitCodes.usage,
    });
  });

  it("refuses links that lead in a circle", async () => {
    await symlink("circle", join(folder, "circle"));
    await expect(tried("circle", "Folder")).rejects.toThrow("its links lead in a circle");
  });
});
