import type { EmbeddingService, ModelRollout, Retraining } from "../../src/api/index.ts";
import { embeddingServices, modelRollouts, retrainings } from "../../src/kinds.ts";
import type { Kube } from "../../src/kube/index.ts";
import { waitFor } from "../harness/wait.ts";
import { type Progress, progressIn } from "./progress.ts";
import type { Story } from "./story.ts";

/** What the user of a service can see of it now. */
export type View = {
  readonly service: EmbeddingService;
  readonly runs: readonly Retraining[];
  readonly rollouts: readonly ModelRollout[];
};

/** A change of a signal's verdict, as it was seen. */
export type Transition = {
  readonly at: number;
  readonly signal: string;
  readonly verdict: string;
  readonly value: number | null;
};

/**
 * Looks at the service twice a second, as a user with the `edit` role, and tells what changes.
 * It decides nothing: acts wait for what they expect of the newest view.
 */
export class Observer {
  readonly transitions: Transition[] = [];
  view: View | undefined;
  readonly #kube: Kube;
  readonly #story: Story;
  readonly #key: { namespace: string; name: string };
  readonly #logs: (job: string) => Promise<string>;
  readonly #told = new Map<string, string>();
  readonly #stop = new AbortController();
  #loops: readonly Promise<void>[] = [];

  /** @param logs  the last lines that a Job's pod has printed */
  constructor(
    kube: Kube,
    story: Story,
    key: { namespace: string; name: string },
    logs: (job: string) => Promise<string>,
  ) {
    this.#kube = kube;
    this.#story = story;
    this.#key = key;
    this.#logs = logs;
  }

  start(): void {
    this.#loops = [this.#run(), this.#showProgress()];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  /** Waits until the newest view has what `find` looks for. */
  until<T>(what: string, find: (view: View) => T | null | undefined | false, withinSeconds: number): Promise<T> {
    return waitFor(what, () => this.view && find(this.view), {
      withinMs: withinSeconds * 1000,
      everyMs: 200,
      signal: this.#stop.signal,
    });
  }

  /** @returns how often one of these signals began to fail between two instants (ms) */
  alarms(signals: readonly string[], from: number, to: number): number {
    return this.transitions.filter(
      ({ at, signal, verdict }) => verdict === "Fail" && at >= from && at < to && signals.includes(signal),
    ).length;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#tell("observer", String(error), (text) => this.#story.bad(`cannot look at the service: ${text}`));
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Jobs and rollouts last, so how far they are is shown. */
  async #showProgress(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const { metadata, status } of this.view?.runs ?? []) {
        const { phase, train, evaluate } = status;
        const job = phase === "Training" ? train : phase === "Evaluating" ? evaluate : undefined;
        if (!job) continue;
        // A pod that does not run yet has no log.
        const progress = progressIn(await this.#logs(job.name).catch(() => ""));
        if (progress) this.#story.progress(`${metadata.name} ${phase.toLowerCase()}`, progress);
      }
      for (const rollout of this.view?.rollouts ?? []) {
        if (rollout.status.phase === "Progressing") this.#story.progress(rollout.metadata.name, stepsDone(rollout));
      }
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  }

  async #look(): Promise<void> {
    const options = { signal: this.#stop.signal, timeoutMs: 10_000 };
    const selection = { namespace: this.#key.namespace, ...options };
    const [service, runs, rollouts] = await Promise.all([
      this.#kube.get(embeddingServices, this.#key, options),
      this.#kube.list(retrainings, selection),
      this.#kube.list(modelRollouts, selection),
    ]);
    if (!service) return;
    this.view = { service, runs: runs.items, rollouts: rollouts.items };
    this.#tellSignals(service);
    for (const run of runs.items) this.#tellRun(run);
    for (const rollout of rollouts.items) this.#tellRollout(rollout);
  }

  #tellSignals({ status }: EmbeddingService): void {
    for (const signal of status.signals) {
      this.#tell(`signal ${signal.name}`, signal.verdict, (verdict) => {
        this.transitions.push({ at: Date.now(), signal: signal.name, verdict, value: signal.value });
        const line = `signal ${signal.name}: ${verdict}${signal.message ? ` — ${signal.message}` : ""}`;
        if (verdict === "Fail") this.#story.bad(line);
        else this.#story.say(line);
      });
    }
    this.#tell("protection", String(status.protection?.active ?? false), (active) => {
      this.#story.say(
        active === "true" ? `protection is on, because of ${status.protection?.trigger}` : "protection is off",
      );
    });
    // What is under way tells of itself.
    const holding = status.holding?.reason.endsWith("UnderWay") ? undefined : status.holding;
    this.#tell("holding", holding?.reason ?? "", (reason) => {
      if (reason) this.#story.say(`retraining is held back: ${reason} — ${holding?.message ?? ""}`);
    });
    const stalled = status.conditions.filter(({ type, status: is }) => type === "Stalled" && is === "True");
    for (const { reason, message } of stalled) {
      this.#tell("stalled", `${reason}: ${message}`, (text) => this.#story.bad(`stalled: ${text}`));
    }
  }

  #tellRun({ metadata, spec, status }: Retraining): void {
    this.#tell(`run ${metadata.name}`, status.phase, (phase) => {
      const why = phase === "Pending" ? ` for ${spec.cause.class.toLowerCase()} (${spec.cause.trigger})` : "";
      const end = status.message ? ` — ${status.message}` : "";
      this.#story.say(`retraining ${metadata.name}: ${phase}${why}${end}`);
    });
  }

  #tellRollout({ metadata, status }: ModelRollout): void {
    const state = `${status.phase} ${status.weight} ${status.mirror}`;
    this.#tell(`rollout ${metadata.name}`, state, () => {
      const traffic = status.mirror ? "mirror" : `${status.weight}%`;
      this.#story.say(
        `rollout ${metadata.name}: ${status.phase}, ${traffic}${status.message ? ` — ${status.message}` : ""}`,
      );
    });
  }

  #tell(subject: string, state: string, line: (state: string) => void): void {
    if (this.#told.get(subject) === state) return;
    this.#told.set(subject, state);
    line(state);
  }
}

function stepsDone({ spec, status }: ModelRollout): Progress {
  const steps = spec.policy.steps.length;
  return { share: status.step / steps, doing: `step ${status.step + 1} of ${steps}` };
}
