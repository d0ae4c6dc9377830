import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../../harness/child.ts";
import { freePorts } from "../../harness/ports.ts";

const program = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

export interface OperatorOptions {
  readonly dir: string;
  readonly namespace: string;
  /** Where the leader's lease is; default the namespace. */
  readonly leaseNamespace?: string;
  readonly prometheus: string;
  /** Text of a kubeconfig. */
  readonly kubeconfigText: string;
  readonly leaseDuration?: string;
}

/** `evenkeel operator` in a process of its own, for one namespace. It does not outlive the test. */
export class OperatorProcess {
  readonly #options: OperatorOptions;
  readonly log: string;
  #child: Child | null = null;
  #ended: string | null = null;
  #port = 0;

  constructor(options: OperatorOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
    this.log = join(options.dir, `${options.namespace}.log`);
  }

  async start(): Promise<void> {
    const { dir, namespace, prometheus, kubeconfigText, leaseDuration = "2s" } = this.#options;
    const { leaseNamespace = namespace } = this.#options;
    const kubeconfig = join(dir, `${namespace}.kubeconfig`);
    await writeFile(kubeconfig, kubeconfigText);
    const [port = 0] = await freePorts(1);
    this.#port = port;
    this.#ended = null;
    this.#child = startChild({
      name: `operator of ${namespace}`,
      command: process.execPath,
      args: [
        program,
        "operator",
        `--namespaces=${namespace}`,
        `--lease-namespace=${leaseNamespace}`,
        `--lease-duration=${leaseDuration}`,
        "--image=evenkeel",
        "--trainer-image=trainer",
        `--prometheus-allow=${prometheus}`,
        `--port=${port}`,
        "--resync=5s",
        `--kubeconfig=${kubeconfig}`,
      ],
      log: this.log,
    });
    void this.#child.ended.then((how) => {
      this.#ended = how;
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  signal(name: NodeJS.Signals): void {
    if (this.#child && this.#ended === null) process.kill(this.#child.pid, name);
  }

  /** Calls back when the process has ended by itself or was killed. */
  onEnd(act: () => void): void {
    void this.#child?.ended.then(act);
  }

  /** How the process has ended; null while it runs. */
  get ended(): string | null {
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#child?.ended;
  }
}
