import { spawn } from "node:child_process";
import { once } from "node:events";

/** Runs kubectl as one user. @throws with what it said */
export type Kubectl = {
  (args: readonly string[], input?: string | Uint8Array): Promise<Buffer>;
  readonly binary: string;
  readonly kubeconfig: string;
};

/** @param kubeconfig path; the current context is used */
export function kubectl(binary: string, kubeconfig: string): Kubectl {
  const run = async (args: readonly string[], input: string | Uint8Array = ""): Promise<Buffer> => {
    const child = spawn(binary, [`--kubeconfig=${kubeconfig}`, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    // A kubectl that ends early closes its input; what it said then tells more than the broken pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${Buffer.concat(err).toString("utf8").trim()}`);
    return Buffer.concat(out);
  };
  return Object.assign(run, { binary, kubeconfig });
}

/** Applies objects as a person would: `kubectl apply --server-side -f -`. */
export async function applyAll(as: Kubectl, objects: readonly object[]): Promise<void> {
  await as(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
}
