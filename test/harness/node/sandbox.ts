import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * How a container is kept apart from the machine: `Namespaces` with a root file system and processes of its own (as
 * root, or as root of a user namespace); `Environment`, where the machine allows neither: mount paths in environment
 * and arguments are rewritten to the folders themselves.
 */
export type Isolation =
  | { readonly kind: "Namespaces"; readonly flags: readonly string[]; readonly enter: readonly string[] }
  | { readonly kind: "Environment" };

const namespaces = ["--mount", "--pid"];
/**
 * Becomes the parent of the container's first process, which dies with it. `unshare --fork` would do the same but ends
 * with code 1 when that process is killed (util-linux 2.38 cannot reset the handler of SIGKILL).
 */
const parent = `exec 3>&2 2>/dev/null; setpriv --pdeathsig KILL -- sh "$@" 2>&3 3>&- & wait $!`;
/** Isolations, the strongest first. */
const isolations: readonly Isolation[] = [
  { kind: "Namespaces", flags: namespaces, enter: [] },
  {
    kind: "Namespaces",
    flags: ["--user", "--map-root-user", ...namespaces],
    enter: ["--user", "--preserve-credentials"],
  },
  { kind: "Environment" },
];

/** The isolations that this machine allows, the strongest first. */
export async function possibleIsolations(): Promise<readonly Isolation[]> {
  const trials = isolations.map(async (isolation) => {
    if (isolation.kind === "Environment") return isolation;
    const trial = run("unshare", [
      ...isolation.flags,
      "--",
      "sh",
      "-c",
      parent,
      "sh",
      "-c",
      "mount -t proc proc /proc",
    ]);
    return trial.then(
      () => isolation,
      () => null,
    );
  });
  return (await Promise.all(trials)).filter((isolation) => isolation !== null);
}

/** The strongest isolation that this machine allows. */
export async function bestIsolation(): Promise<Isolation> {
  const [best = { kind: "Environment" }] = await possibleIsolations();
  return best;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly mounts: readonly Mount[];
  readonly readOnlyRoot: boolean;
  readonly niceness: number;
  /** Empty folder of this container's own. */
  readonly scratch: string;
  /** File that receives its output. */
  readonly log: string;
}

export interface Exit {
  readonly code: number;
  readonly signal: number | null;
}

export interface Sandboxed {
  /** Process id of the container's first process as the machine sees it. */
  readonly pid: () => number;
  readonly ended: Promise<Exit>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Runs a command inside, with the container's environment. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<ExecResult>;
}

export interface ExecResult {
  readonly code: number;
  readonly output: string;
}

/** Starts a container's process; it dies with this process, however that ends. */
export async function startSandboxed(isolation: Isolation, launch: Launch): Promise<Sandboxed> {
  return isolation.kind === "Namespaces" ? inNamespaces(isolation, launch) : byEnvironment(launch);
}

async function inNamespaces(isolation: Isolation & { kind: "Namespaces" }, launch: Launch): Promise<Sandboxed> {
  const root = join(launch.scratch, "root");
  await mkdir(root, { recursive: true });
  const mounts = launch.mounts
    .toSorted((a, b) => a.target.length - b.target.length)
    .flatMap(({ source, target, readOnly }) => [source, target, readOnly ? "ro" : "rw"]);
  const child = start(launch, launch.env, [
    "unshare",
    ...isolation.flags,
    "--",
    "sh",
    "-c",
    parent,
    "sh",
    join(import.meta.dirname, "sandbox.sh"),
    marker,
    root,
    launch.readOnlyRoot ? "yes" : "no",
    ...mounts,
    "--",
    launch.workingDir,
    ...launch.command,
  ]);
  // What we start waits in between: the container's own process is its only child.
  const pid = () => firstChildOf(child.pid ?? 0) ?? child.pid ?? 0;
  const ended = ending(child);
  await settingUp(pid, ended);
  return {
    pid,
    ended,
    signal: (name) => kill(pid(), name),
    exec: (command, timeoutMs) => {
      const target = ["--target", String(pid()), "--mount", "--pid", "--root", ...isolation.enter];
      return execute("nsenter", [...target, "--", ...command], launch.env, "/", timeoutMs);
    },
  };
}

const marker = "evenkeel-container-is-being-set-up";

/** Waits until the container's own command runs: earlier, a signal or a command inside would meet the set-up. */
async function settingUp(pid: () => number, ended: Promise<Exit>): Promise<void> {
  const over = ended.then(() => true);
  while (commandLineOf(pid()).includes(marker) && !(await Promise.race([over, sleep(5, false)])));
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

async function byEnvironment(launch: Launch): Promise<Sandboxed> {
  const rewrite = rewriter([...launch.mounts, ...(await waysTo(launch.mounts, join(launch.scratch, "ways")))]);
  const env = Object.fromEntries(Object.entries(launch.env).map(([name, value]) => [name, rewrite(value)]));
  const child = start(launch, env, launch.command.map(rewrite));
  const pid = child.pid ?? 0;
  return {
    pid: () => pid,
    ended: ending(child),
    signal: (name) => kill(-pid, name),
    exec: ([command = "", ...args], timeoutMs) => execute(command, args.map(rewrite), env, launch.scratch, timeoutMs),
  };
}

/** Folders that only lead to mounts, such as /store to /store/data: made of links, for programs that are told of them. */
async function waysTo(mounts: readonly Mount[], folder: string): Promise<Mount[]> {
  await rm(folder, { recursive: true, force: true });
  const ways = new Map<string, Mount>();
  for (const { source, target } of mounts.toSorted((a, b) => a.target.length - b.target.length)) {
    const above = foldersAbove(target).filter((path) => !existsSync(path));
    // What lies in another mount is found there.
    if (above.length === 0 || mounts.some((other) => above.includes(other.target))) continue;
    await mkdir(join(folder, dirname(target)), { recursive: true });
    await symlink(source, join(folder, target));
    for (const path of above) ways.set(path, { source: join(folder, path), target: path, readOnly: true });
  }
  return [...ways.values()];
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === "/" ? [] : [...foldersAbove(above), above];
}

/** Replaces each mount's path, where it stands as a whole path or as the start of one, by the folder behind it. */
export function rewriter(mounts: readonly Mount[]): (text: string) => string {
  const longestFirst = mounts.toSorted((a, b) => b.target.length - a.target.length);
  return (text) => {
    for (const { source, target } of longestFirst) {
      const at = text.indexOf(target);
      if (at < 0) continue;
      const [before, after] = [text[at - 1], text[at + target.length]];
      if ((before === undefined || "=:,".includes(before)) && (after === undefined || "/:,".includes(after))) {
        return text.slice(0, at) + source + text.slice(at + target.length);
      }
    }
    return text;
  };
}

function start(launch: Launch, env: Readonly<Record<string, string>>, command: readonly string[]): ChildProcess {
  const output = openSync(launch.log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", "nice", "-n", String(launch.niceness), ...command], {
    stdio: ["ignore", output, output],
    cwd: launch.scratch,
    env: { ...env },
    detached: true,
  });
  closeSync(output);
  return child;
}

async function ending(child: ChildProcess): Promise<Exit> {
  await once(child, "close");
  const { exitCode: code, signalCode } = child;
  if (code !== null) return { code, signal: code > 128 && code < 160 ? code - 128 : null };
  const number = (signalCode && constants.signals[signalCode]) ?? 9;
  return { code: 128 + number, signal: number };
}

function kill(pid: number, signal: NodeJS.Signals): void {
  if (pid === 0) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function firstChildOf(pid: number): number | null {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? null : Number(children.split(" ")[0]);
  } catch {
    return null;
  }
}

async function execute(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  timeout: number,
): Promise<ExecResult> {
  return new Promise((resolve) => {
    execFile(command, [...args], { env: { ...env }, cwd, timeout, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ code: typeof code === "number" ? code : 137, output: stdout + stderr });
    });
  });
}
