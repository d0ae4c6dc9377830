import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../harness/ports.ts";

const program = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

export interface OperatorOptions {
  readonly dir: string;
  readonly namespace: string;
  readonly prometheus: string;
  /** Text of a kubeconfig. */
  readonly kubeconfigText: string;
  readonly leaseDuration?: string;
}

/** `evenkeel operator` in a process of its own, for one namespace. */
export class OperatorProcess {
  readonly #options: OperatorOptions;
  readonly log: string;
  #child: ChildProcess | null = null;
  #port = 0;

  constructor(options: OperatorOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
    this.log = join(options.dir, `${options.namespace}.log`);
  }

  async start(): Promise<void> {
    const { dir, namespace, prometheus, kubeconfigText, leaseDuration = "2s" } = this.#options;
    const kubeconfig = join(dir, `${namespace}.kubeconfig`);
    await writeFile(kubeconfig, kubeconfigText);
    const [port = 0] = await freePorts(1);
    this.#port = port;
    const child = spawn(
      process.execPath,
      [
        program,
        "operator",
        `--namespaces=${namespace}`,
        `--lease-namespace=${namespace}`,
        `--lease-duration=${leaseDuration}`,
        "--image=evenkeel",
        "--trainer-image=trainer",
        `--prometheus-allow=${prometheus}`,
        `--port=${port}`,
        "--resync=5s",
        `--kubeconfig=${kubeconfig}`,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const log = createWriteStream(this.log, { flags: "a" });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.#child = child;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Calls back when the process has ended by itself or was killed. */
  onEnd(act: () => void): void {
    this.#child?.once("exit", act);
  }

  /** Whether the process has ended, and how. */
  get ended(): string | null {
    const { exitCode, signalCode } = this.#child ?? {};
    return signalCode ?? (exitCode === null || exitCode === undefined ? null : `code ${exitCode}`);
  }

  async kill(name: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(name);
    await gone;
  }
}
