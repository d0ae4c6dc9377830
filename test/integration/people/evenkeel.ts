import { spawn } from "node:child_process";
import { join } from "node:path";

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const main = join(import.meta.dirname, "../../../src/main.ts");

/** A command that runs. */
export interface Running {
  /** What it has written to its standard output so far. */
  readonly out: () => string;
  /** The same of its standard error. */
  readonly err: () => string;
  readonly signal: (signal: "SIGINT" | "SIGTERM") => void;
  readonly ended: Promise<Ended>;
}

/** Starts the real command in a process of its own. */
export function start(kubeconfig: string, args: readonly string[], program = main): Running {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, KUBECONFIG: kubeconfig, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, out, err })));
  return { out: () => out, err: () => err, signal: (signal) => child.kill(signal), ended };
}

/** Runs the real command to its end. */
export async function evenkeel(kubeconfig: string, args: readonly string[], program = main): Promise<Ended> {
  return await start(kubeconfig, args, program).ended;
}
