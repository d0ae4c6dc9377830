import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { z } from "zod";

const repository = join(import.meta.dirname, "..", "..");

/** Runs the product's own command line, as a person would. */
export function evenkeel(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return node([join(repository, "src/main.ts"), ...args]);
}

/**
 * Runs a script of the demo in a process of its own, at a lower priority, so that TensorFlow does not hold up traffic.
 *
 * @param answer  what it prints in the end, as JSON
 */
export async function script<Answer>(file: string, request: object, answer: z.ZodType<Answer>): Promise<Answer> {
  const { code, stdout, stderr } = await node([join(import.meta.dirname, file), JSON.stringify(request)], 5);
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${stderr.trim().slice(-500)}`);
  return answer.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
}

async function node(args: readonly string[], niceness = 0): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn("nice", ["-n", String(niceness), process.execPath, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code: typeof code === "number" ? code : 1, stdout, stderr };
}
