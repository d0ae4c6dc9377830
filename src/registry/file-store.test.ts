import { createHash } from "node:crypto";
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeFailure } from "./error.ts";
import { openStore } from "./store.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-"));
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

/** What may have become of an artefact of one file `f`, and what is said of it. */
const damages: [string, (artefact: string) => Promise<void>, string][] = [
  ["a changed file", (at) => appendFile(join(at, "f"), "!"), "f has 5 bytes"],
  ["a missing file", (at) => rm(join(at, "f")), "f is missing"],
  ["an added file", (at) => writeFile(join(at, "g"), ""), "g is not in its manifest"],
  ["a link", (at) => symlink("/etc/hostname", join(at, "g")), "g is a symbolic link"],
  ["a missing manifest", (at) => rm(join(at, "manifest.json")), "manifest.json is missing"],
  ["a manifest that is no JSON", (at) => writeFile(join(at, "manifest.json"), "{"), "cannot be read"],
  [
    "another's manifest",
    (at) =>
      writeFile(
        join(at, "manifest.json"),
        JSON.stringify({ name: "n", files: [{ path: "f", size: 4, sha256: "0".repeat(64) }] }),
      ),
    "another digest",
  ],
];

describe("FileStore", () => {
  it("gives a folder and the same files in memory the same digest, over the canonical JSON of the entries", async () => {
    const source = join(folder, "source");
    await mkdir(join(source, "b"), { recursive: true });
    await writeFile(join(source, "b", "c.txt"), "c");
    await writeFile(join(source, "a.txt"), "");
    const store = openStore(join(folder, "store"));
    const fromFolder = await store.put("models/x", source);
    const fromMemory = await store.putFiles("models/x", { "b/c.txt": bytes("c"), "a.txt": bytes("") });
    const sha = (text: string) => createHash("sha256").update(text).digest("hex");
    const canonical = `[{"path":"a.txt","sha256":"${sha("")}","size":0},{"path":"b/c.txt","sha256":"${sha("c")}","size":1}]`;
    expect(fromFolder).toBe(`store://models/x@sha256:${sha(canonical)}`);
    expect(fromMemory).toBe(fromFolder);
    expect(await readFile(join(await store.resolve(fromFolder), "b", "c.txt"), "utf8")).toBe("c");
    expect(await store.list("models/x")).toEqual([fromFolder]);
  });

  it("tells before long work that nothing can be written, and leaves nothing behind when something can", async () => {
    const store = openStore(join(folder, "store"));
    await store.tryWriting("models/x");
    await store.runs.tryWriting("ns/run");
    await store.evaluations.tryWriting("ns/run");
    expect(await readdir(folder)).toEqual([]);
    await expect(openStore("/sys").tryWriting("models/x")).rejects.toMatchObject({ reason: "ReadOnly" });
    await expect(openStore("/sys").runs.tryWriting("ns/run")).rejects.toMatchObject({ reason: "ReadOnly" });
    await expect(openStore(folder).runs.tryWriting("../x")).rejects.toMatchObject({ reason: "BadUri" });
    await expect(openStore("/proc").tryWriting("models/x")).rejects.toMatchObject({ reason: "NotFound" });
    await expect(openStore(folder).tryWriting("../x")).rejects.toMatchObject({ reason: "BadUri" });
  });

  it("leaves no temporary folder behind, also when the same is written twice at once", async () => {
    const store = openStore(folder);
    const uris = await Promise.all([1, 2, 3].map(() => store.putFiles("data/d", { f: bytes("same") })));
    expect(new Set(uris).size).toBe(1);
    expect(await readdir(join(folder, "data/d"))).toHaveLength(1);
  });

  it("makes folders that others make at the same moment", async () => {
    const store = openStore(folder);
    for (let round = 0; round < 30; round++) {
      const name = `r${round}/b/c/d`;
      await Promise.all([1, 2, 3, 4].map((i) => store.putFiles(name, { f: bytes(String(i)) })));
      expect(await store.list(name)).toHaveLength(4);
    }
  });

  it.each(damages)("refuses %s as Corrupt", async (_, spoil, message) => {
    const store = openStore(folder);
    const uri = await store.putFiles("m", { f: bytes("whole"), h: bytes("") }).then(async (other) => {
      await store.remove(other);
      return store.putFiles("m", { f: bytes("four") });
    });
    await spoil(await store.resolve(uri));
    await expect(store.resolve(uri)).rejects.toMatchObject({
      reason: "Corrupt",
      message: expect.stringContaining(message),
    });
  });

  it.each(damages)("puts a whole artefact into the place of one with %s", async (_, spoil) => {
    const store = openStore(folder);
    const uri = await store.putFiles("m", { f: bytes("four") });
    await spoil(await store.resolve(uri));
    expect(await store.putFiles("m", { f: bytes("four") })).toBe(uri);
    expect(await readFile(join(await store.resolve(uri), "f"), "utf8")).toBe("four");
    expect(await readdir(join(folder, "m"))).toHaveLength(1);
  });

  it("replaces a damaged artefact also for several writers at once, and leaves a whole one as it is", async () => {
    const store = openStore(folder);
    const write = () => store.putFiles("m", { f: bytes("four") });
    const uri = await write();
    const at = await store.resolve(uri);
    await appendFile(join(at, "f"), "!");
    await Promise.all(Array.from({ length: 8 }, write));
    const { ino } = await stat(await store.resolve(uri));
    await write();
    expect((await stat(at)).ino).toBe(ino);
    expect(await readdir(join(folder, "m"))).toHaveLength(1);
  });

  it.each([
    ["http://x@sha256:00", "must be store://"],
    [`store://a/../b@sha256:${"0".repeat(64)}`, "each part"],
    [`store://a//b@sha256:${"0".repeat(64)}`, "each part"],
    [`store://a/sha256-b@sha256:${"0".repeat(64)}`, "each part"],
  ])("refuses the URI %s as BadUri", async (uri, message) => {
    await expect(openStore(folder).resolve(uri)).rejects.toMatchObject({
      reason: "BadUri",
      message: expect.stringContaining(message),
    });
  });

  it("refuses files that would leave the artefact, and an empty folder", async () => {
    const store = openStore(folder);
    await expect(store.putFiles("m", { "../f": bytes("") })).rejects.toMatchObject({ reason: "BadUri" });
    await expect(store.putFiles("m", {})).rejects.toMatchObject({ reason: "NotFound" });
  });

  it("says NotFound for what was removed, and removing twice is no error", async () => {
    const store = openStore(folder);
    const uri = await store.putFiles("m", { f: bytes("") });
    await store.remove(uri);
    await store.remove(uri);
    await expect(store.resolve(uri)).rejects.toMatchObject({ reason: "NotFound" });
    expect(await store.list("m")).toEqual([]);
    expect(await store.list("never")).toEqual([]);
  });

  it("lists what is there while artefacts come and go", async () => {
    const store = openStore(folder);
    const stays = await store.putFiles("m", { f: bytes("stays") });
    const done = new AbortController();
    const comeAndGo = async (writer: number) => {
      for (let i = 0; i < 60; i++) await store.remove(await store.putFiles("m", { f: bytes(`${writer} ${i}`) }));
    };
    const writers = Promise.all([1, 2, 3].map(comeAndGo)).finally(() => done.abort());
    while (!done.signal.aborted) expect(await store.list("m")).toContain(stays);
    await writers;
    expect(await store.list("m")).toEqual([stays]);
  });

  it("lets a file be looked at without verifying it, and none outside", async () => {
    const store = openStore(folder);
    const uri = await store.putFiles("m", { f: bytes("four"), g: bytes("whole") });
    await appendFile(join(await store.resolve(uri), "g"), "!");
    expect(Buffer.from((await store.peek(uri, "f")) ?? []).toString()).toBe("four");
    expect(await store.peek(uri, "h")).toBeNull();
    await expect(store.peek(uri, "../f")).rejects.toMatchObject({ reason: "BadUri" });
    await store.remove(uri);
    expect(await store.peek(uri, "f")).toBeNull();
  });

  it.each(["/proc/store", "/proc/store/inside"])("ends at %s, where nothing can be made", async (root) => {
    const store = openStore(root);
    await expect(store.putFiles("m", { f: bytes("") })).rejects.toMatchObject({ reason: "NotFound" });
    await expect(store.runs.write("ns/run", "f", bytes(""))).rejects.toMatchObject({ reason: "NotFound" });
  });

  /** What a writer that was killed `hoursAgo` has left in a folder. */
  async function leave(parent: string, id: string, hoursAgo: number): Promise<string> {
    const left = `.tmp-${id.repeat(16)}`;
    await mkdir(join(folder, parent, left, "part"), { recursive: true });
    await writeFile(join(folder, parent, left, "part/f"), "x");
    const then = Date.now() / 1000 - hoursAgo * 3600;
    for (const path of ["part/f", "part", ""]) await utimes(join(folder, parent, left, path), then, then);
    return left;
  }

  it("takes away what writers that were killed have left, with the next write and when it is told to", async () => {
    const store = openStore(folder);
    const fresh = await leave("m", "a", 0.9);
    await leave("m", "b", 1.1);
    const filling = await leave("m", "c", 5);
    await writeFile(join(folder, "m", filling, "part/f"), "more");
    await store.putFiles("m", { f: bytes("") });
    const hidden = async () => (await readdir(join(folder, "m"))).filter((entry) => entry.startsWith("."));
    expect(await hidden()).toEqual([fresh, filling]);
    await store.sweep("m", Date.now() - 0.5 * 3_600_000);
    expect(await hidden()).toEqual([filling]);
    await store.sweep("never", Date.now());
  });

  it("takes away what was left of a run's files", async () => {
    const { runs } = openStore(folder);
    await runs.write("ns/run", "train.json", bytes("1"));
    const [old, fresh] = [
      join(folder, `runs/ns/run/.tmp-${"a".repeat(16)}`),
      join(folder, `runs/ns/run/.tmp-${"b".repeat(16)}`),
    ];
    await writeFile(old, "1");
    await writeFile(fresh, "1");
    const then = Date.now() / 1000 - 4000;
    await utimes(old, then, then);
    await runs.write("ns/run", "train.json", bytes("2"));
    expect(await readdir(join(folder, "runs/ns/run"))).toEqual([`.tmp-${"b".repeat(16)}`, "train.json"]);
  });

  it("keeps a run's files, replaced as a whole", async () => {
    const { runs } = openStore(folder);
    expect(await runs.read("ns/run", "train.json")).toBeNull();
    await runs.write("ns/run", "train.json", bytes("1"));
    await runs.write("ns/run", "train.json", bytes("2"));
    expect(Buffer.from((await runs.read("ns/run", "train.json")) ?? []).toString()).toBe("2");
    expect(await readdir(join(folder, "runs/ns/run"))).toEqual(["train.json"]);
    await expect(runs.write("ns/../run", "f", bytes(""))).rejects.toMatchObject({ reason: "BadUri" });
  });
});

describe("storeFailure", () => {
  it.each([
    ["ENOSPC", "Full"],
    ["EDQUOT", "Full"],
    ["EROFS", "ReadOnly"],
    ["EACCES", "ReadOnly"],
    ["ENOENT", "NotFound"],
    ["ENOTDIR", "NotFound"],
  ])("tells %s as %s", (code, reason) => {
    expect(storeFailure(Object.assign(new Error(code), { code }), "writing")).toMatchObject({ reason });
  });
});
