import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** File with everything the process has printed. */
  readonly log: string;
  /** Resolves when the process has ended, with a phrase such as "code 1" or "SIGKILL". */
  readonly ended: Promise<string>;
  /** Asks the process to end, and ends it after `graceMs`. */
  readonly stop: (graceMs?: number) => Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly log: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a server that cannot outlive this process, not even when this process is killed with SIGKILL.
 *
 * The kernel sends the parent-death signal when the thread that started the child ends, so call this from a main
 * thread (vitest's `forks` pool, not `threads`).
 */
export function startChild({ name, command, args, log, cwd, env }: ChildOptions): Child {
  const output = openSync(log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", command, ...args], {
    stdio: ["ignore", output, output],
    cwd,
    env: { ...process.env, ...env },
    // Ctrl-C in a terminal reaches us alone; we stop the servers in order.
    detached: true,
  });
  closeSync(output);
  if (child.pid === undefined) throw new Error(`${name}: cannot start ${command} (setpriv of util-linux is needed)`);
  return { name, pid: child.pid, log, ended: ending(child), stop: (graceMs = 5_000) => stop(child, graceMs) };
}

async function ending(child: ChildProcess): Promise<string> {
  const [code, signal] = await once(child, "close");
  return signal ?? `code ${code}`;
}

async function stop(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  const impatience = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await closed;
  clearTimeout(impatience);
}

/** The end of a child's log, for an error message. */
export async function lastWords(child: Child, lines = 20): Promise<string> {
  const text = await readFile(child.log, "utf8");
  return `${child.name} (${child.log}):\n${text.trimEnd().split("\n").slice(-lines).join("\n")}`;
}
