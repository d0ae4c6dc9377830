/**
 * Finds the real servers that tests and the demo run against, or builds them once from the Go tool modules beside this
 * file. Where each is looked for: KUBEBUILDER_ASSETS, PATH with a fitting version, the user's cache, then the build.
 *
 * setup-envtest downloads three of these in seconds, but neither the controller manager nor the scheduler.
 *
 *     node tools/servers.ts     prints name and path of each
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { rename } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../src/model/native-location.ts";
import { buildOnce, runToEnd } from "./build-once.ts";

const run = promisify(execFile);

/** Release of the control plane; `tools/kubernetes/go.mod` names the same. */
export const kubernetesVersion = "v1.37.2";

interface Part {
  readonly module: "kubernetes" | "servers";
  /** How it is asked for its version. */
  readonly ask: readonly string[];
  /** Versions on PATH that serve as well as ours: [major, minor], inclusive, of a `major.minor` in the answer. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

const newest = Number.POSITIVE_INFINITY;
const kubernetes = { module: "kubernetes", ask: ["--version"], from: [1, 37], to: [1, 37] } as const;
const parts = {
  "kube-apiserver": kubernetes,
  "kube-controller-manager": kubernetes,
  "kube-scheduler": kubernetes,
  kubectl: { ...kubernetes, ask: ["version", "--client"], from: [1, 36] },
  etcd: { module: "servers", ask: ["--version"], from: [3, 4], to: [3, newest] },
  prometheus: { module: "servers", ask: ["--version"], from: [2, 42], to: [3, newest] },
  promtool: { module: "servers", ask: ["--version"], from: [2, 42], to: [3, newest] },
  helm: { module: "servers", ask: ["version", "--short"], from: [3, 14], to: [4, newest] },
  kubeconform: { module: "servers", ask: ["-v"], from: [0, 6], to: [1, newest] },
} as const satisfies Record<string, Part>;

export type ServerName = keyof typeof parts;
/** Absolute path of each executable. */
export type Servers = Readonly<Record<ServerName, string>>;

const names = Object.keys(parts).filter((name): name is ServerName => name in parts);
const beside = import.meta.dirname;

/** The path of every server, what is missing built first. */
export async function ensureServers(): Promise<Servers> {
  const found = await Promise.all(names.map(async (name) => [name, await find(name)] as const));
  const missing = found.filter(([, path]) => path === null).map(([name]) => name);
  for (const module of new Set(missing.map((name) => parts[name].module))) await build(module);
  const pairs = found.map(([name, path]) => [name, path ?? join(folderOf(parts[name].module), name)] as const);
  for (const [name, path] of pairs) if (!executable(path)) throw new Error(`${name}: not at ${path} after the build`);
  // Object.fromEntries forgets the keys; each name has its pair.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(pairs) as Servers;
}

async function find(name: ServerName): Promise<string | null> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets && executable(join(assets, name))) return join(assets, name);
  const cached = join(folderOf(parts[name].module), name);
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder && executable(path) && (await fits(path, parts[name]))) return path;
  }
  return executable(cached) ? cached : null;
}

async function fits(path: string, { ask, from, to }: Part): Promise<boolean> {
  const answer = await run(path, [...ask], { timeout: 10_000 }).catch(() => null);
  const version = answer && /(\d+)\.(\d+)/.exec(answer.stdout + answer.stderr);
  if (!version) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const atLeast = major > from[0] || (major === from[0] && minor >= from[1]);
  const atMost = major < to[0] || (major === to[0] && minor <= to[1]);
  return atLeast && atMost;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path);
  } catch {
    return false;
  }
}

function folderOf(module: Part["module"]): string {
  const cache = cacheFolder(process.env);
  if (module === "kubernetes") return join(cache, `kubernetes-${kubernetesVersion}`);
  const versions = createHash("sha256")
    .update(readFileSync(join(beside, module, "go.mod")))
    .digest("hex");
  return join(cache, `servers-${versions.slice(0, 12)}`);
}

async function build(module: Part["module"]): Promise<void> {
  if (!(await run("go", ["version"]).catch(() => null))) {
    throw new Error(
      "servers are missing and there is no Go to build them: install Go 1.26.7 or newer (a Go from 1.21 on downloads that " +
        "itself), or put these on PATH: " +
        names.filter((name) => parts[name].module === module).join(", "),
    );
  }
  const cwd = join(beside, module);
  const env = { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly" };
  if (module === "kubernetes") {
    const [, minor] = kubernetesVersion.slice(1).split(".");
    const stamp = `-X k8s.io/component-base/version.`;
    await buildOnce({
      folder: folderOf(module),
      what: `Kubernetes ${kubernetesVersion} (API server, controller manager, scheduler, kubectl)`,
      usually: "8 minutes on 2 cores",
      make: (into) =>
        runToEnd(
          "go",
          [
            "build",
            "-ldflags",
            `-s -w ${stamp}gitVersion=${kubernetesVersion} ${stamp}gitMajor=1 ${stamp}gitMinor=${minor}`,
            "-o",
            `${into}/`,
            ...names.filter((name) => parts[name].module === module).map((name) => `k8s.io/kubernetes/cmd/${name}`),
          ],
          { cwd, env },
        ),
    });
    return;
  }
  await buildOnce({
    folder: folderOf(module),
    what: "etcd, Prometheus, promtool, helm, kubeconform",
    usually: "6 minutes on 2 cores",
    make: async (into) => {
      await runToEnd("go", ["build", "-ldflags", "-s -w", "-o", `${into}/`, "tool"], { cwd, env });
      // The package of etcd's command is called server.
      await rename(join(into, "server"), join(into, "etcd"));
    },
  });
}

if (import.meta.main) {
  for (const [name, path] of Object.entries(await ensureServers())) console.log(`${name.padEnd(24)} ${path}`);
}
