import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface Build {
  /** Folder that holds the result; its name carries the versions, so that another version is another folder. */
  readonly folder: string;
  /** What a person is told is being built. */
  readonly what: string;
  /** How long it usually takes, in words. */
  readonly usually: string;
  /** Builds into an empty folder on the same file system, which is moved into place when this resolves. */
  readonly make: (into: string) => Promise<void>;
}

/**
 * Builds a folder of the cache exactly once, whoever else asks at the same time.
 *
 * An interrupted build leaves at most a temporary folder, never a half-filled result: the result appears by rename.
 */
export async function buildOnce(build: Build): Promise<void> {
  if (existsSync(build.folder)) return;
  await mkdir(dirname(build.folder), { recursive: true });
  await withLock(`${build.folder}.lock`, async () => {
    if (existsSync(build.folder)) return;
    const started = Date.now();
    console.error(`evenkeel: building ${build.what}, once, into ${build.folder} (usually ${build.usually})`);
    const partial = `.building-${basename(build.folder)}-`;
    // Nobody else builds while we hold the lock: what is there was left by a build that was killed.
    const left = (await readdir(dirname(build.folder))).filter((name) => name.startsWith(partial));
    for (const name of left) await rm(join(dirname(build.folder), name), { recursive: true, force: true });
    const into = await mkdtemp(join(dirname(build.folder), partial));
    try {
      await build.make(into);
      await rename(into, build.folder);
    } finally {
      await rm(into, { recursive: true, force: true });
    }
    console.error(`evenkeel: built ${build.what} in ${Math.round((Date.now() - started) / 1000)} s`);
  });
}

/**
 * Runs `body` while holding an advisory lock on `file`.
 *
 * Node has no flock(2). A child holds the lock for as long as our end of its input stays open, so the kernel frees it
 * however this process ends; a lock file with a process id in it would outlive a SIGKILL.
 */
export async function withLock<T>(file: string, body: () => Promise<T>): Promise<T> {
  const holder = spawn("flock", [file, "sh", "-c", "echo held; cat"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(holder, "close");
  ended.catch(() => undefined);
  await Promise.race([
    once(holder.stdout, "data"),
    ended.then(() => Promise.reject(new Error(`flock on ${file} ended early`))),
  ]);
  try {
    return await body();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end, its output on our standard error; throws with the command line when it fails. */
export async function runToEnd(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const child = spawn(command, args, {
    stdio: ["ignore", 2, 2],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ended with ${signal ?? `code ${code}`}`);
}
