import { spawn } from "node:child_process";
import { join } from "node:path";

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const main = join(import.meta.dirname, "../../../src/main.ts");

/** Starts the real command in a process of its own. */
export function start(kubeconfig: string, args: readonly string[], program = main) {
  return spawn(process.execPath, [program, ...args], {
    env: { ...process.env, KUBECONFIG: kubeconfig, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs the real command to its end. */
export async function evenkeel(kubeconfig: string, args: readonly string[], program = main): Promise<Ended> {
  const child = start(kubeconfig, args, program);
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, err };
}
