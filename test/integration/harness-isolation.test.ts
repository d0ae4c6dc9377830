import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Launch, possibleIsolations, rewriter, startSandboxed } from "../harness/node/sandbox.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "isolation-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const possible = await possibleIsolations();
const rooted = possible.filter(({ kind }) => kind === "Namespaces");

describe.each(possible)("isolation by $kind $flags", (isolation) => {
  async function launch(script: string, change: Partial<Launch> = {}) {
    const log = join(folder, "log");
    const source = join(folder, "volume");
    await writeFile(source, "");
    const sandbox = await startSandboxed(isolation, {
      command: ["sh", "-c", script],
      env: { PATH: process.env.PATH ?? "", RESULT: "/dev/termination-log" },
      workingDir: "/",
      mounts: [{ source, target: "/dev/termination-log", readOnly: false }],
      readOnlyRoot: false,
      niceness: 5,
      scratch: folder,
      log,
      ...change,
    });
    return { sandbox, log, source };
  }

  it("runs, nice, with its mount, and gives the exit code", async () => {
    const { sandbox, log, source } = await launch('nice; printf said > "$RESULT"; exit 7');
    expect(await sandbox.ended).toEqual({ code: 7, signal: null });
    expect(await readFile(log, "utf8")).toBe("5\n");
    expect(await readFile(source, "utf8")).toBe("said");
  });

  it("leads to its mounts by the folder that they are in", async () => {
    const [data, models] = [join(folder, "a"), join(folder, "b")];
    for (const source of [data, models]) await mkdir(source);
    await writeFile(join(data, "in"), "read");
    const { sandbox } = await launch('cp "$STORE/data/shop/in" "$STORE/models/shop/out"', {
      env: { PATH: process.env.PATH ?? "", STORE: "/evenkeel-store" },
      mounts: [
        { source: data, target: "/evenkeel-store/data/shop", readOnly: true },
        { source: models, target: "/evenkeel-store/models/shop", readOnly: false },
      ],
      readOnlyRoot: true,
    });
    expect(await sandbox.ended).toEqual({ code: 0, signal: null });
    expect(await readFile(join(models, "out"), "utf8")).toBe("read");
  });

  it("can be asked to end, and be killed with all it has started", async () => {
    const polite = await launch("trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done");
    await expect.poll(() => readFile(polite.log, "utf8")).toBe("up\n");
    expect(await polite.sandbox.exec(["sh", "-c", 'echo "$RESULT" >&2; exit 4'], 5_000)).toMatchObject({ code: 4 });
    polite.sandbox.signal("SIGTERM");
    expect(await polite.sandbox.ended).toEqual({ code: 3, signal: null });

    await rm(polite.log);
    const unique = `${10_000 + process.pid}.5`;
    const rude = await launch(`trap '' TERM; sleep ${unique} & echo up; wait`);
    await expect.poll(() => readFile(rude.log, "utf8")).toBe("up\n");
    // It says that it is up before what it has started is a sleep.
    await expect.poll(commandLines).toContain(`sleep ${unique}`);
    rude.sandbox.signal("SIGKILL");
    expect(await rude.sandbox.ended).toEqual({ code: 137, signal: 9 });
    await expect.poll(commandLines).not.toContain(`sleep ${unique}`);
  });
});

describe.each(rooted)("a root file system by $flags", (isolation) => {
  it("shows a mount where the machine has no such folder", async () => {
    const source = join(folder, "data");
    await writeFile(source, "deep");
    const log = join(folder, "log");
    const sandbox = await startSandboxed(isolation, {
      command: [
        "sh",
        "-c",
        "cat /etc/evenkeel-test/a/b /new/place /var/run/c; ! touch /etc/x; ! touch /new/place; ! touch /rootfile",
      ],
      env: { PATH: process.env.PATH ?? "" },
      workingDir: "/",
      mounts: ["/etc/evenkeel-test/a/b", "/new/place", "/var/run/c"].map((target) => ({
        source,
        target,
        readOnly: true,
      })),
      readOnlyRoot: true,
      niceness: 0,
      scratch: folder,
      log,
    });
    const exit = await sandbox.ended;
    expect({ exit, log: (await readFile(log, "utf8")).split("touch:")[0] }).toEqual({
      exit: { code: 0, signal: null },
      log: "deepdeepdeep",
    });
  });
});

describe("rewriter", () => {
  const rewrite = rewriter([
    { source: "/tmp/v1", target: "/store", readOnly: false },
    { source: "/tmp/v2", target: "/store/inner", readOnly: false },
  ]);
  it.each([
    ["/store", "/tmp/v1"],
    ["/store/a", "/tmp/v1/a"],
    ["/store/inner/a", "/tmp/v2/a"],
    ["--to=/store/a", "--to=/tmp/v1/a"],
    ["/storeroom", "/storeroom"],
    ["/other/store", "/other/store"],
    ["store://data/shop", "store://data/shop"],
  ])("turns %s into %s", (given, wanted) => {
    expect(rewrite(given)).toBe(wanted);
  });
});

async function commandLines(): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
  return (await Promise.all(lines)).map((line) => line.split("\0").join(" ").trim());
}
