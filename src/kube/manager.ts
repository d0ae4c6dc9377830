import { type Clock, sleep, systemClock, untilAborted } from "./clock.ts";
import type { Controller } from "./controller.ts";
import type { EventRecorder } from "./event-recorder.ts";
import type { Fence } from "./fence.ts";
import type { Informer } from "./informer.ts";
import type { LeaderElector, Term } from "./leader-elector.ts";
import type { KubeObject } from "./object.ts";

/** An informer of any kind, as far as a manager is concerned. */
type Cache = Pick<Informer<KubeObject>, "run" | "whenSynced" | "synced" | "lastFault"> & {
  readonly resource: { readonly plural: string };
};

export interface ManagerOptions {
  readonly informers: readonly Cache[];
  /**
   * Makes the controllers of one term. `fence` is null without an election; with one, their writes must go through
   * `kube.fenced(fence)`. Made anew for each term, so that nothing outlives it.
   */
  readonly controllers: (fence: Fence | null) => readonly Controller[];
  readonly election?: LeaderElector;
  readonly events?: EventRecorder;
  /** Work under way at the end gets this long; default 20 s. */
  readonly shutdownMs?: number;
  readonly clock?: Clock;
}

export type Health = { readonly kind: "Healthy" } | { readonly kind: "Unhealthy"; readonly reasons: readonly string[] };

/** Starts everything in its order, and stops it in the reverse one. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #clock: Clock;
  #controllers: readonly Controller[] = [];

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Runs until `signal` is aborted (SIGTERM): caches, then leadership, then controllers; at the end the other way round,
   * so that the lease is given back only when nothing writes any more.
   *
   * @throws KubeError Fenced when leadership was lost; Error when work did not end in time. In both cases exit.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { informers, election, events } = this.#options;
    const following = new AbortController();
    const caches = informers.map((informer) => informer.run(following.signal));
    try {
      const synced = await Promise.all(informers.map((informer) => informer.whenSynced(signal))).then(
        () => true,
        () => false,
      );
      if (!synced) return;
      if (election) await election.run(signal, (term) => this.#lead(term));
      else await this.#lead({ signal, fence: null });
      await events?.flush();
    } finally {
      following.abort();
      await Promise.all(caches);
    }
  }

  /** For `/readyz`: a follower is as ready as the leader. */
  ready(): Health {
    const unsynced = this.#options.informers.filter((informer) => !informer.synced());
    return health(
      unsynced.map(
        ({ resource, lastFault }) => `${resource.plural} not synced${lastFault ? `: ${lastFault.message}` : ""}`,
      ),
    );
  }

  /** For `/healthz`: whether a restart is of no use. */
  live(): Health {
    return health(
      this.#controllers
        .filter((controller) => !controller.live())
        .map(({ name }) => `a reconcile of ${name} does not end`),
    );
  }

  async #lead({ signal, fence }: Pick<Term, "signal"> & { fence: Fence | null }): Promise<void> {
    const { controllers, shutdownMs = 20_000 } = this.#options;
    this.#controllers = controllers(fence);
    const work = Promise.all(this.#controllers.map((controller) => controller.run(signal)));
    const finished = new AbortController();
    const tooLate = untilAborted(signal)
      .then(() => sleep(shutdownMs, finished.signal, this.#clock))
      .then(
        () => {
          const left = this.#controllers.flatMap(({ name, queue }) =>
            [...queue.working].map((key) => `${name} ${key}`),
          );
          throw new Error(`still at work ${shutdownMs} ms after the stop: ${left.join(", ")}`);
        },
        () => {},
      );
    try {
      await Promise.race([work, tooLate]);
    } finally {
      finished.abort();
    }
  }
}

/** Aborted by SIGTERM or SIGINT; a second one ends the process at once. */
export function untilStopped(): AbortSignal {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Error(`stopped by ${name}`));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return controller.signal;
}

function health(reasons: readonly string[]): Health {
  return reasons.length === 0 ? { kind: "Healthy" } : { kind: "Unhealthy", reasons };
}
