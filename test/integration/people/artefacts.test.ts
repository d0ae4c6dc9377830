import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelIdentity } from "../../../src/api/index.ts";
import { alarmsName, evidenceFiles } from "../../../src/gateway/alarm-evidence.ts";
import { fleetSettingsFixture } from "../../../src/gateway/fleet.fixture.ts";
import { startFleet } from "../../../src/gateway/fleet-monitor.ts";
import { noMaterial } from "../../../src/gateway/material.ts";
import { openStore } from "../../../src/registry/index.ts";
import { putBundle } from "../gateway/model.ts";

const main = join(import.meta.dirname, "../../../src/main.ts");
let folder: string;
let store: string;
let dataset: string;
let env: NodeJS.ProcessEnv;

/** Whether a file system can be mounted without being root. */
const mayMount = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "none", "/tmp"]).status === 0;

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs the real command. A command that hangs is killed and has no code. */
const run = (...args: readonly string[]): Ended => ended(process.execPath, [main, ...args]);

const ended = (program: string, args: readonly string[]): Ended => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, env, encoding: "utf8", timeout: 50_000 });
  return { code: status, out: stdout.trim(), err: stderr };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "evenkeel-artefacts-"));
  store = join(folder, "store");
  env = { ...process.env, EVENKEEL_STORE: store, NO_COLOR: "1" };
  await mkdir(store);
  const rows = Array.from({ length: 400 }, (_, i) =>
    JSON.stringify({ input: [Math.sin(i), Math.cos(7 * i), (i % 2) * 3], label: i % 2 === 0 ? "good" : "bad" }),
  );
  await writeFile(join(folder, "payments.jsonl"), rows.join("\n"));
  run("pack", "payments.jsonl", "--to", "payments");
  dataset = run("push", "payments", "--name", "data/payments").out;
});
afterAll(() => rm(folder, { recursive: true }));

describe("evenkeel pack", () => {
  it("says what it made of what", () => {
    const { code, out, err } = run("pack", "payments.jsonl", "--to", "again");
    expect(code).toBe(0);
    expect(out).toMatch(
      /^again: 400 vectors of 3 from 400 sources\nlabels: 0 bad, 1 good\ndealt by source: train \d+, .*proof \d+$/,
    );
    expect(err).toContain("evenkeel: 100% packing payments.jsonl");
  });

  it.each([
    ["what is not there", ["pack", "nothing", "--to", "new"], 3, "nothing is not there"],
    ["what cannot be packed", ["pack", "store", "--to", "new"], 5, "a label folder holds PNG files, no folders"],
    [
      "a folder of something else as its place",
      ["pack", "payments.jsonl", "--to", "store"],
      2,
      "--to store: it holds data",
    ],
  ])("refuses %s", (_, args, code, message) => {
    expect(run(...args)).toMatchObject({ code, err: expect.stringContaining(message) });
  });
});

/** A store with the dataset, which has lost a file there. */
async function damaged(name: string) {
  const place = join(folder, name);
  await mkdir(place);
  const push = ["push", "payments", "--name", "data/payments", "--store", place];
  run(...push);
  const stored = join(place, dataset.replace(/^store:\/\/(.*)@sha256:/, "$1/sha256-"));
  await rm(join(stored, "data.safetensors"));
  return { push, store: place, stored };
}

describe("evenkeel push", () => {
  it("gives the same content the same URI", () => {
    expect(dataset).toMatch(/^store:\/\/data\/payments@sha256:[0-9a-f]{64}$/);
    expect(run("push", "payments", "--name", "data/payments").out).toBe(dataset);
  });

  it.each([
    [
      "a name that says nothing",
      ["payments", "--name", "payments"],
      2,
      "--name payments: must be data/NAME or models/NAME",
    ],
    ["a name of the other kind", ["payments", "--name", "models/payments"], 2, "payments is a dataset: use data/NAME"],
    ["a name that is none", ["payments", "--name", "data/Payments"], 2, "lower-case letter"],
    ["what is not there", ["nothing", "--name", "data/x"], 3, "nothing is not there"],
    ["a file", ["payments.jsonl", "--name", "data/x"], 2, "payments.jsonl is not a folder"],
    [
      "a store that is not there",
      ["payments", "--name", "data/x", "--store", "stoer"],
      3,
      "the store stoer is not there",
    ],
    ["a folder of something else", ["store", "--name", "data/x"], 5, "is neither a dataset"],
  ])("refuses %s", (_, args, code, message) => {
    expect(run("push", ...args)).toMatchObject({ code, err: expect.stringContaining(message) });
  });

  it("leaves out what lies beside a dataset, and says so", async () => {
    const untidy = join(folder, "untidy");
    await cp(join(folder, "payments"), untidy, { recursive: true });
    await writeFile(join(untidy, ".DS_Store"), "x");
    await writeFile(join(untidy, "notes.txt"), "x");
    expect(run("push", "untidy", "--name", "data/payments")).toEqual({
      code: 0,
      out: dataset,
      err: "evenkeel: left out, no part of a dataset: .DS_Store, notes.txt\n",
    });
  });

  it("refuses a symbolic link", async () => {
    const linked = join(folder, "linked");
    await mkdir(linked);
    for (const file of ["dataset.json", "data.safetensors"])
      await symlink(join(folder, "payments", file), join(linked, file));
    expect(run("push", "linked", "--name", "data/payments")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^evenkeel: data\.safetensors is a symbolic link: only files are put/),
    });
  });

  it("replaces what is damaged in the store", async () => {
    const { push, store } = await damaged("damaged");
    expect(run(...push)).toMatchObject({ code: 0, out: dataset });
    expect(run("fetch", "--uri", dataset, "--store", store, "--to", "whole").code).toBe(0);
  });

  it("says of what is damaged and cannot be replaced what to do", async ({ skip }) => {
    skip(!mayMount, "mount namespaces: this machine allows none without root");
    const { push, stored } = await damaged("mounted");
    const script = 'mount --bind "$1" "$1" && shift && exec "$@"';
    expect(ended("unshare", ["-Urm", "sh", "-c", script, "sh", stored, process.execPath, main, ...push])).toEqual({
      code: 5,
      out: "",
      err: expect.stringMatching(
        /^evenkeel: store:\S+: data\.safetensors is missing; it cannot be replaced \(EBUSY: .*\): remove \S+ where that is allowed, then do this again\n$/,
      ),
    });
  });

  it("refuses what is broken, and puts nothing", async () => {
    const broken = join(folder, "broken");
    await mkdir(broken);
    await writeFile(join(broken, "dataset.json"), '{"modality":"Vector","shape":[3],"count":4}');
    await writeFile(join(broken, "data.safetensors"), await readFile(join(folder, "payments/data.safetensors")));
    const { code, err } = run("push", "broken", "--name", "data/broken");
    expect(code).toBe(5);
    expect(err).toBe(
      "evenkeel: broken cannot be used: data.safetensors: sources has shape [400, 16], dataset.json says [4, 16]\n",
    );
    expect(await readdir(join(store, "data"))).toEqual(["payments"]);
  });
});

describe("a dataset that is too small for a reference", () => {
  it("is packed and put, and said to be", async () => {
    await writeFile(join(folder, "two.jsonl"), '{"input": [1]}\n{"input": [2]}');
    for (const args of [
      ["pack", "two.jsonl", "--to", "two"],
      ["push", "two", "--name", "data/two"],
    ]) {
      const { code, err } = run(...args);
      expect(code).toBe(0);
      expect(err).toMatch(
        /evenkeel: too small for a reference dataset .* to train, which needs 32; .*to calibration, which needs 48\n/,
      );
    }
  });
});

describe("evenkeel train, by hand", () => {
  it("makes a first model that can be fetched", async () => {
    const { code, out, err } = run("train", "--dataset", dataset, "--name", "models/payments", "--steps", "2");
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^store:\/\/models\/payments@sha256:/);
    expect(run("fetch", "--uri", out, "--to", "model").code).toBe(0);
    expect(await readdir(join(folder, "model"))).toEqual(
      expect.arrayContaining(["config.json", "evenkeel.json", "model.safetensors", "probes.safetensors"]),
    );
    expect(run("push", "model", "--name", "models/copy").code).toBe(0);
  });

  it.each([
    [
      "holds NaN",
      "holds numbers that are not finite",
      (weights: Buffer) => Buffer.concat([weights.subarray(0, -4), Buffer.alloc(4, 0xff)]),
    ],
    ["has other shapes than its config.json", "config.json asks for", (weights: Buffer) => weights],
  ])("puts no model that %s", async (_, message, spoil) => {
    await rm(join(folder, "spoilt"), { recursive: true, force: true });
    await cp(join(folder, "model"), join(folder, "spoilt"), { recursive: true });
    const files = ["model.safetensors", "config.json"].map((file) => join(folder, "spoilt", file));
    const [weights = "", config = ""] = files;
    await writeFile(weights, spoil(await readFile(weights)));
    if (message.includes("config.json"))
      await writeFile(config, (await readFile(config, "utf8")).replace(/"hidden_size": \d+/, '"hidden_size": 7'));
    const { code, err } = run("push", "spoilt", "--name", "models/spoilt");
    expect(code).toBe(5);
    expect(err).toContain("spoilt cannot be used: model.safetensors: ");
    expect(err).toContain(message);
    const served = run("serve", "--model", "spoilt");
    expect(served.code).toBe(5);
    expect(served.err).toContain("spoilt: model.safetensors: ");
  });

  it("makes the same model anew when what is stored of it is damaged", async () => {
    const call = ["train", "--dataset", dataset, "--name", "models/payments", "--steps", "2"];
    const { out: uri } = run(...call);
    await truncate(join(store, uri.replace(/^store:\/\/(.*)@sha256:/, "$1/sha256-"), "model.safetensors"), 10);
    const [record = ""] = await readdir(join(store, "runs/first-models"));
    await writeFile(join(store, "runs/first-models", record, "bundle.json"), "garbage");
    expect(run(...call)).toMatchObject({ code: 0, out: uri });
    expect(run("fetch", "--uri", uri, "--to", "mended").code).toBe(0);
  });

  it("is told to stop, and goes on from its checkpoint with the same call", async () => {
    const call = ["train", "--dataset", dataset, "--name", "models/long", "--steps", "200", "--seed", "7"];
    const child = spawn(process.execPath, [main, ...call], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      // Past its first checkpoints: a line tells of a tenth of the steps at least.
      if (!err.includes("0% step") && (err + text).includes("0% step")) child.kill("SIGTERM");
      err += text;
    });
    const [code] = await once(child, "close");
    expect({ code, err }).toEqual({
      code: 143,
      err: expect.stringMatching(/stopped at step \d+ of 200: the same call/),
    });
    const stopped = Number(/stopped at step (\d+)/.exec(err)?.[1]);
    const again = run(...call);
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/^store:\/\/models\/long@sha256:/) });
    const first = Number(/% step (\d+) of 200/.exec(again.err)?.[1]);
    expect(first).toBeGreaterThan(stopped - 10);
  });

  it("refuses a wrong name before it trains", () => {
    expect(run("train", "--dataset", dataset, "--name", "models/Payments")).toMatchObject({
      code: 2,
      err: expect.stringContaining("lower-case letter"),
    });
    expect(run("train", "--dataset", dataset)).toMatchObject({
      code: 2,
      err: "evenkeel: no name for the model: give --name models/NAME\n",
    });
    expect(run("train", "--steps", "3", "--name", "models/x")).toMatchObject({
      code: 2,
      err: "evenkeel: no dataset to train on: give --dataset store://NAME@sha256:DIGEST\n",
    });
  });

  it("refuses a threat model for other data, as evaluate does", async () => {
    const perturbations = [{ name: "tilt", family: "Geometric", kind: "Benign", degrees: 5 }];
    const spec = { modality: "Image", perturbations };
    await writeFile(join(folder, "images.json"), JSON.stringify({ kind: "ThreatModel", spec }));
    expect(
      run("train", "--dataset", dataset, "--name", "models/payments", "--threat-model", "images.json"),
    ).toMatchObject({
      code: 2,
      err: expect.stringContaining("the threat model is for Image, the dataset holds Vector\n"),
    });
    const given = ["--candidate", "model", "--active", "model", "--data", "payments", "--threat-model", "images.json"];
    expect(run("evaluate", ...given)).toMatchObject({
      code: 2,
      err: "evenkeel: the threat model is for Image, the dataset holds Vector\n",
    });
  });
});

describe("evenkeel evaluate", () => {
  it.each([
    ["without a request, says how it is done by hand", [], 12, "or do it by hand: --candidate DIR --active DIR"],
    ["with any option of a person, is done by hand", ["--baseline", "old"], 2, "--candidate, --active and --data are"],
    ["with a request as well, is wrong usage", ["--run", "x", "--data", "y"], 2, "'--run <file>' cannot be used with"],
  ])("%s", (_, args, code, message) => {
    expect(run("evaluate", ...args)).toMatchObject({ code, err: expect.stringContaining(message) });
  });
});

describe("a place that cannot be written to", () => {
  it.each([
    ["pack", ["payments.jsonl", "--to", "/proc/x"], "--to /proc/x: nothing can be made there"],
    ["pack", ["payments.jsonl", "--to", "payments.jsonl"], "--to payments.jsonl: it is a file: a folder is needed"],
    [
      "push",
      ["payments", "--name", "data/x", "--store", "/sys"],
      "--store /sys/data/x: it is read-only or not writable",
    ],
    [
      "train",
      ["--dataset", `store://data/x@sha256:${"0".repeat(64)}`, "--name", "models/x", "--store", "payments.jsonl"],
      "--store payments.jsonl/models/x: a file is in the way",
    ],
    [
      "evaluate",
      ["--candidate", "a", "--active", "b", "--data", "c", "--report", "payments.jsonl"],
      "--report payments.jsonl: it is a file: a folder is needed",
    ],
    ["report", ["payments", "--html", "store"], "--html store: it is a folder: a file is needed"],
    ["report", ["payments", "--captured", "/proc/x"], "--captured /proc/x: nothing can be made there"],
  ])("is wrong usage of %s before any work: %s", (command, args, message) => {
    const { code, err } = run(command, ...args);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^evenkeel: [^\n]+\n$/) });
    expect(err).toContain(message);
  });
});

describe("evenkeel fetch", () => {
  it.each(["fetch", "serve"])("and serve say of a store that is not there: %s", (command) => {
    const to = command === "fetch" ? ["--to", "fetched"] : [];
    expect(run(command, "--uri", dataset, "--store", "stoer", ...to)).toMatchObject({
      code: 3,
      err: "evenkeel: the store stoer is not there\n",
    });
  });

  it("replaces files of the same name and leaves others", async () => {
    const to = join(folder, "fetched");
    await mkdir(to);
    await writeFile(join(to, "dataset.json"), "old");
    await writeFile(join(to, "notes.txt"), "mine");
    expect(run("fetch", "--uri", dataset, "--to", to).code).toBe(0);
    expect((await readdir(to)).toSorted()).toEqual(["data.safetensors", "dataset.json", "manifest.json", "notes.txt"]);
    expect(await readFile(join(to, "dataset.json"), "utf8")).toContain("Vector");
  });

  it.each(["/proc/x", "/proc/x/y"])("ends at %s, where nothing can be made", (to) => {
    expect(run("fetch", "--uri", dataset, "--to", to)).toMatchObject({
      code: 2,
      err: `evenkeel: --to ${to}: nothing can be made there\n`,
    });
  });

  it.for([
    ["full", 1, "size=8k", "no space is left there"],
    ["read-only", 2, "ro", "it is read-only or not writable for this user"],
  ] as const)("leaves nothing behind on a volume that is %s", async ([, exitCode, options, why], { skip }) => {
    skip(!mayMount, "mount namespaces: this machine allows none without root");
    const script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && "$@"; code=$?; ls -A volume; exit $code';
    const volume = join(folder, "volume");
    await mkdir(volume, { recursive: true });
    const command = [process.execPath, main, "fetch", "--uri", dataset, "--to", volume];
    const { code, out, err } = ended("unshare", ["-Urm", "sh", "-c", script, "sh", options, volume, ...command]);
    expect({ code, out, err }).toEqual({ code: exitCode, out: "", err: `evenkeel: --to ${volume}: ${why}\n` });
  });
});

describe("evenkeel audit evidence", () => {
  it("says of each alarm whether it comes out again, and fails when one does not", async () => {
    const held = openStore(store);
    const bundle = await putBundle(held, 0);
    const model = { digest: modelIdentity(bundle).digest, uri: bundle };
    const origin = { model, baseline: model, service: { namespace: "search", name: "shop" }, dataset: bundle };
    const before = startFleet(noMaterial(model.digest, ""), 999, 1000);
    const keep = (mismatched: number) => {
      const pods = { compared: 2, mismatched };
      const steps = [{ block: 1000, seen: null, pods, settings: fleetSettingsFixture }];
      const raised = [{ signal: "ModelChanged", number: 1 } as const];
      return held.putFiles(alarmsName("search", "shop"), evidenceFiles({ origin, raised, before, steps }));
    };
    const uri = await keep(1);
    const line = `1970-01-01T00:16:41.000Z  ModelChanged  1  Agrees  ${uri}`;
    expect(run("audit", "evidence", "search/shop")).toEqual({ code: 0, out: line, err: "" });
    expect(run("audit", "evidence", uri)).toEqual({ code: 0, out: line, err: "" });
    await keep(0);
    const { code, out, err } = run("audit", "evidence", "search/shop", "-o", "json");
    expect(code).toBe(5);
    const { alarms } = JSON.parse(out);
    expect(alarms.map(({ verdict }: { verdict: string }) => verdict)).toEqual(["Agrees", "Differs"]);
    expect(err).toBe("evenkeel: not raised by what is kept of it: ModelChanged 1\n");
  });

  it.each([
    ["a name without its namespace", ["products"], 2, "products: must be NAMESPACE/NAME or store://alarms/"],
    ["the address of something else", [`store://data/x@sha256:${"0".repeat(64)}`], 2, "must be NAMESPACE/NAME or"],
    ["a service without alarms", ["search/quiet"], 3, "no evidence of an alarm of search/quiet is kept in"],
    ["evidence that is gone", [`store://alarms/search/shop@sha256:${"0".repeat(64)}`], 3, "sha256:000"],
  ])("refuses %s", (_, args, code, message) => {
    expect(run("audit", "evidence", ...args)).toMatchObject({ code, err: expect.stringContaining(message) });
  });
});
