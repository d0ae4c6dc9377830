import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Container, NotYet, type Pod, type Probe } from "./pod.ts";
import { watchProbe } from "./probes.ts";
import { type ExecResult, type Exit, type Isolation, type Launch, type Sandboxed, startSandboxed } from "./sandbox.ts";
import type { ContainerView } from "./status.ts";

/** How long a container waits before it starts again; doubled each time, as the kubelet does from 10 s to 300 s. */
export interface RestartBackoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

export interface ContainerContext {
  readonly pod: Pod;
  readonly podIP: string;
  readonly isolation: Isolation;
  readonly backoff: RestartBackoff;
  readonly restart: "Always" | "OnFailure" | "Never";
  /** Folder of this container's own; holds its logs. */
  readonly folder: string;
  /** Everything that is decided anew at each start; throws NotYet while something is missing. */
  readonly plan: () => Promise<Omit<Launch, "scratch" | "log">>;
  readonly changed: () => void;
}

const retryMs = 500;
/** The kubelet cuts termination messages here. */
const messageLimit = 4096;

/** One container of a pod, over all its restarts. */
export class ContainerRunner {
  readonly container: Container;
  readonly #context: ContainerContext;
  readonly #ending = new AbortController();
  #state: ContainerView["state"] = { waiting: { reason: "ContainerCreating" } };
  #lastState: ContainerView["lastState"] = {};
  #ready = false;
  #started = false;
  #restartCount = 0;
  #finished = false;
  #id = "";
  #sandbox: Sandboxed | null = null;

  constructor(container: Container, context: ContainerContext) {
    this.container = container;
    this.#context = context;
  }

  get view(): ContainerView {
    return {
      container: this.container,
      state: this.#state,
      lastState: this.#lastState,
      ready: this.#ready,
      started: this.#started,
      restartCount: this.#restartCount,
      finished: this.#finished,
      id: this.#id,
    };
  }

  /** Process id on this machine while it runs. */
  get pid(): number | null {
    return this.#sandbox?.pid() ?? null;
  }

  /** Log file of the n-th start, counted from 0. */
  logFile(start = this.#restartCount): string {
    return join(this.#context.folder, `${start}.log`);
  }

  /** Runs, and runs again as the restart policy says; resolves when it is over for good. */
  async run(): Promise<void> {
    await mkdir(this.#context.folder, { recursive: true });
    const { initialMs, maxMs } = this.#context.backoff;
    for (let wait = initialMs; !this.#ending.signal.aborted; wait = Math.min(2 * wait, maxMs)) {
      await this.#runOnce();
      if (this.#finished) break;
      this.#lastState = this.#state;
      this.#set({
        waiting: {
          reason: "CrashLoopBackOff",
          message: `back-off ${wait / 1000}s restarting failed container=${this.container.name}`,
        },
      });
      await sleep(wait, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      if (this.#ending.signal.aborted) {
        this.#state = this.#lastState;
        break;
      }
      this.#restartCount += 1;
    }
    this.#finished = true;
    this.#context.changed();
  }

  /** Ends it for good: preStop, SIGTERM, and SIGKILL after the grace period. */
  async stop(graceSeconds: number): Promise<void> {
    this.#ending.abort();
    await this.#terminate(graceSeconds);
  }

  /** Ends it for good, at once. */
  kill(): void {
    this.#ending.abort();
    this.#sandbox?.signal("SIGKILL");
  }

  exec(command: readonly string[], timeoutMs = 30_000): Promise<ExecResult> {
    if (!this.#sandbox) throw new Error(`container ${this.container.name} does not run`);
    return this.#sandbox.exec(command, timeoutMs);
  }

  async #runOnce(): Promise<void> {
    const launch = await this.#prepare();
    if (launch === null) {
      this.#finished = true;
      return;
    }
    const message = join(this.#context.folder, "termination-log");
    await writeFile(message, "");
    const scratch = join(this.#context.folder, "scratch");
    await mkdir(scratch, { recursive: true });
    const target = this.container.terminationMessagePath ?? "/dev/termination-log";
    const sandbox = await startSandboxed(this.#context.isolation, {
      ...launch,
      mounts: [...launch.mounts, { source: message, target, readOnly: false }],
      scratch,
      log: this.logFile(),
    });
    this.#sandbox = sandbox;
    this.#id = randomUUID();
    const startedAt = timestamp();
    const probing = new AbortController();
    // Whoever asked it to end while it was being started could not reach it yet.
    if (this.#ending.signal.aborted) sandbox.signal("SIGKILL");
    this.#started = this.container.startupProbe === undefined;
    this.#ready = this.#started && this.container.readinessProbe === undefined;
    this.#set({ running: { startedAt } });
    if (this.#started) this.#watchHealth(probing.signal);
    else this.#awaitStart(probing.signal);

    const exit = await sandbox.ended;
    probing.abort();
    this.#sandbox = null;
    this.#ready = false;
    this.#started = false;
    const { restart } = this.#context;
    this.#finished = this.#ending.signal.aborted || restart === "Never" || (restart === "OnFailure" && exit.code === 0);
    const said = await this.#terminationMessage(message, exit);
    this.#set({
      terminated: {
        exitCode: exit.code,
        reason: exit.code === 0 ? "Completed" : "Error",
        startedAt,
        finishedAt: timestamp(),
        containerID: `harness://${this.#id}`,
        ...(exit.signal !== null && { signal: exit.signal }),
        ...(said && { message: said }),
      },
    });
  }

  /** Waits until everything it refers to exists; null when it is to end before that. */
  async #prepare(): Promise<Omit<Launch, "scratch" | "log"> | null> {
    while (!this.#ending.signal.aborted) {
      try {
        return await this.#context.plan();
      } catch (error) {
        const reason = error instanceof NotYet ? error.reason : "CreateContainerError";
        this.#set({ waiting: { reason, message: error instanceof Error ? error.message : String(error) } });
      }
      await sleep(retryMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    }
    return null;
  }

  #awaitStart(signal: AbortSignal): void {
    this.#probe(this.container.startupProbe, signal, (healthy) => {
      if (!healthy) {
        this.#restartUnhealthy();
        return;
      }
      this.#started = true;
      this.#ready = this.container.readinessProbe === undefined;
      this.#context.changed();
      this.#watchHealth(signal);
    });
  }

  #watchHealth(signal: AbortSignal): void {
    this.#probe(this.container.readinessProbe, signal, (healthy) => {
      this.#ready = healthy;
      this.#context.changed();
    });
    this.#probe(this.container.livenessProbe, signal, (healthy) => {
      if (!healthy) this.#restartUnhealthy();
    });
  }

  #probe(probe: Probe | undefined, signal: AbortSignal, report: (healthy: boolean) => void): void {
    if (!probe) return;
    const target = {
      container: this.container,
      podIP: this.#context.podIP,
      exec: (command: readonly string[], timeoutMs: number) => this.exec(command, timeoutMs),
    };
    // A pod that is being ended is no longer judged.
    const judged = AbortSignal.any([signal, this.#ending.signal]);
    void watchProbe(probe, target, judged, report);
  }

  #restartUnhealthy(): void {
    void this.#terminate(this.#context.pod.spec?.terminationGracePeriodSeconds ?? 30);
  }

  async #terminate(graceSeconds: number): Promise<void> {
    const sandbox = this.#sandbox;
    if (!sandbox) return;
    const impatience = setTimeout(() => sandbox.signal("SIGKILL"), graceSeconds * 1000);
    try {
      await this.#preStop();
      sandbox.signal("SIGTERM");
      await sandbox.ended;
    } finally {
      clearTimeout(impatience);
    }
  }

  async #preStop(): Promise<void> {
    const hook = this.container.lifecycle?.preStop;
    if (hook?.sleep) {
      const over = this.#sandbox?.ended;
      await Promise.race([sleep(hook.sleep.seconds * 1000), over]);
    }
    if (hook?.exec) await this.exec(hook.exec.command ?? []);
  }

  async #terminationMessage(file: string, exit: Exit): Promise<string> {
    const written = await readFile(file, "utf8");
    if (written || exit.code === 0) return written.slice(0, messageLimit);
    if (this.container.terminationMessagePolicy !== "FallbackToLogsOnError") return "";
    const log = await readFile(this.logFile(), "utf8");
    return log.split("\n").slice(-80).join("\n").slice(-2048);
  }

  #set(state: ContainerView["state"]): void {
    this.#state = state;
    this.#context.changed();
  }
}

/** Time as Kubernetes writes it: RFC 3339 in whole seconds. */
export function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
