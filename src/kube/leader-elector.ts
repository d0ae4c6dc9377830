import type { Lease } from "./builtin.ts";
import { leases } from "./builtin.ts";
import type { Kube } from "./client.ts";
import { type Clock, sleep, systemClock } from "./clock.ts";
import { isKubeError, KubeError } from "./error.ts";
import { type Fence, LeaseFence } from "./fence.ts";
import { formatKey, type Key, type Stored } from "./object.ts";

export interface LeaderElectorOptions {
  kube: Kube;
  lease: Key;
  /** Unlike that of every other candidate, and of the same one before a restart. */
  identity: string;
  /** Others take over when the lease was not renewed for so long; whole seconds; default 15 s. */
  leaseDurationMs?: number;
  /** The leader's writes end this long after its last renewal was begun; default two thirds of the lease. */
  fenceMs?: number;
  /** Pause between renewals, and between looks at another's lease; default an eighth of the lease. */
  retryMs?: number;
  onChange?: (state: "Leading" | "Following", holder: string) => void;
  onFault?: (error: KubeError) => void;
  clock?: Clock;
}

/** A turn as leader. */
export interface Term {
  /** Aborted when leadership is lost, or when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** Give it to every write of the term: `kube.fenced(term.fence)`. Each term has its own. */
  readonly fence: Fence;
}

/**
 * One leader among many, by a Lease.
 *
 * Clocks of different machines are never compared: a candidate waits until it has seen, by its own clock, the same
 * lease unrenewed for its whole duration. The leader in turn stops writing after `fenceMs`, counted from before its last
 * renewal was sent, so that its last write has ended when another may begin; the pause between the two covers what is
 * still under way. What slips through nevertheless meets the precondition of each write.
 */
export class LeaderElector {
  readonly #kube: Kube;
  readonly #options: LeaderElectorOptions;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #fenceMs: number;
  readonly #retryMs: number;
  /** The lease as last seen, and since when it has been like that, by our clock. */
  #observed: { lease: Stored<Lease>; since: number } | null = null;

  constructor(options: LeaderElectorOptions) {
    const { leaseDurationMs = 15_000, clock = systemClock } = options;
    this.#options = options;
    this.#kube = options.kube.unthrottled();
    this.#clock = clock;
    this.#leaseMs = leaseDurationMs;
    this.#fenceMs = options.fenceMs ?? (leaseDurationMs * 2) / 3;
    this.#retryMs = options.retryMs ?? leaseDurationMs / 8;
    if (leaseDurationMs < 1_000 || leaseDurationMs % 1_000 !== 0) {
      throw new RangeError(`leaseDurationMs: ${leaseDurationMs} is not a whole number of seconds, as a Lease needs`);
    }
    if (this.#fenceMs >= leaseDurationMs || this.#retryMs * 2 >= this.#fenceMs) {
      throw new RangeError("needed: 2 * retryMs < fenceMs < leaseDurationMs");
    }
  }

  /** Who holds the lease, as last seen; "" for nobody. */
  get holder(): string {
    return this.#observed?.lease.spec?.holderIdentity ?? "";
  }

  /**
   * Waits for leadership, leads one term, and gives the lease back when that ended in good order.
   *
   * @param lead  the work of the leader; must end soon after its signal is aborted
   * @throws KubeError Fenced when leadership was lost. Whatever the process holds in memory is then suspect: exit.
   */
  async run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    const fence = new LeaseFence(this.#clock);
    if (!(await this.#acquire(fence, signal))) return;
    this.#options.onChange?.("Leading", this.#options.identity);
    const term = new AbortController();
    const renewal = new AbortController();
    const stop = () => term.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    let lost: KubeError | null = null;
    // Renewed until the work has ended, not until it is asked to: its last writes need the lease as well.
    const renewing = this.#renew(fence, renewal.signal).then((error) => {
      if (error) term.abort(error);
      lost = error;
      return error;
    });
    let finished = false;
    try {
      await lead({ signal: term.signal, fence });
      finished = true;
    } finally {
      signal.removeEventListener("abort", stop);
      renewal.abort();
      await renewing;
      fence.end();
      // Work that failed may have left writes under way: then the lease runs out by itself, which outlasts them.
      if (finished && !lost) await this.#release();
      this.#options.onChange?.("Following", this.holder);
    }
    if (lost) throw lost;
  }

  async #acquire(fence: LeaseFence, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const since = this.#now();
      try {
        if (await this.#take(signal)) {
          fence.extend(since, this.#fenceMs);
          return true;
        }
      } catch (error) {
        this.#fault(error);
      }
      await sleep(this.#jittered(this.#retryMs), signal, this.#clock).catch(() => {});
    }
    return false;
  }

  /** Renews until told to stop (null), or until leadership is lost (why). */
  async #renew(fence: LeaseFence, signal: AbortSignal): Promise<KubeError | null> {
    const { identity, lease } = this.#options;
    for (;;) {
      // Whichever comes first: the next renewal is due, or the fence has ended (the process was stopped meanwhile).
      await sleep(Math.min(this.#jittered(this.#retryMs), fence.remaining()), signal, this.#clock).catch(() => {});
      if (signal.aborted) return null;
      if (!fence.holds()) {
        fence.end();
        return new KubeError("Fenced", `${identity} could not renew lease ${formatKey(lease)} in time`);
      }
      const since = this.#now();
      try {
        await this.#write(this.#observed?.lease ?? null, fence.remaining(), signal);
        fence.extend(since, this.#fenceMs);
      } catch (error) {
        if (signal.aborted) return null;
        if (isKubeError(error, "Conflict", "NotFound", "Invalid")) {
          const current = await this.#look(fence.remaining(), signal).catch(() => null);
          if (current && current.spec?.holderIdentity !== identity) {
            fence.end();
            return new KubeError(
              "Fenced",
              `${identity} lost lease ${formatKey(lease)} to ${current.spec?.holderIdentity ?? ""}`,
            );
          }
        }
        this.#fault(error);
      }
    }
  }

  /** Whether the lease is ours now. */
  async #take(signal: AbortSignal): Promise<boolean> {
    const current = await this.#look(this.#retryMs * 4, signal);
    if (current) {
      const { holderIdentity, leaseDurationSeconds = 0 } = current.spec ?? {};
      const unrenewedFor = this.#clock.monotonic() - (this.#observed?.since ?? 0);
      const free = !holderIdentity || unrenewedFor >= Math.max(leaseDurationSeconds * 1000, 1);
      if (!free) return false;
    }
    try {
      await this.#write(current, this.#retryMs * 4, signal);
      return true;
    } catch (error) {
      // Another was quicker.
      if (isKubeError(error, "Conflict", "AlreadyExists")) return false;
      throw error;
    }
  }

  async #look(timeoutMs: number, signal: AbortSignal): Promise<Stored<Lease> | null> {
    const lease = await this.#kube.get(leases, this.#options.lease, { timeoutMs, signal });
    this.#observe(lease);
    return lease;
  }

  #observe(lease: Stored<Lease> | null): void {
    const { resourceVersion, uid } = this.#observed?.lease.metadata ?? {};
    if (!lease) this.#observed = null;
    else if (lease.metadata.resourceVersion !== resourceVersion || lease.metadata.uid !== uid) {
      this.#observed = { lease, since: this.#clock.monotonic() };
    }
  }

  /** Creates the lease or replaces exactly the one given. */
  async #write(current: Stored<Lease> | null, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { identity, lease } = this.#options;
    const now = new Date(this.#clock.now()).toISOString().replace("Z", "000Z");
    const options = { timeoutMs, signal };
    if (!current) {
      const spec = { ...this.#spec(identity, now), acquireTime: now, leaseTransitions: 0 };
      this.#observe(await this.#kube.create(leases, { metadata: { ...lease }, spec }, options));
      return;
    }
    const before = current.spec ?? {};
    const taken =
      before.holderIdentity === identity
        ? {}
        : { acquireTime: now, leaseTransitions: (before.leaseTransitions ?? 0) + 1 };
    const spec = { ...before, ...this.#spec(identity, now), ...taken };
    this.#observe(await this.#kube.replace(leases, { ...current, spec }, options));
  }

  #spec(holderIdentity: string, renewTime: string) {
    return { holderIdentity, renewTime, leaseDurationSeconds: this.#leaseMs / 1000 };
  }

  /** So that the next one need not wait. A renewal that was given up may have reached the server after all. */
  async #release(): Promise<void> {
    const { identity, lease } = this.#options;
    const options = { timeoutMs: this.#retryMs * 4 };
    try {
      let held = this.#observed?.lease ?? null;
      for (let tries = 0; held?.spec?.holderIdentity === identity && tries < 3; tries++) {
        const renewTime = new Date(this.#clock.now()).toISOString().replace("Z", "000Z");
        const spec = { ...held.spec, holderIdentity: "", renewTime, leaseDurationSeconds: 1 };
        const released = await this.#kube.replace(leases, { ...held, spec }, options).catch((error: unknown) => {
          if (isKubeError(error, "Conflict")) return null;
          throw error;
        });
        if (released) return this.#observe(released);
        held = await this.#kube.get(leases, lease, options);
      }
    } catch (error) {
      this.#fault(error);
    }
  }

  #now(): { monotonic: number; wall: number } {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
  }

  #jittered(ms: number): number {
    return ms * (0.9 + 0.2 * Math.random());
  }

  #fault(error: unknown): void {
    if (isKubeError(error, "Aborted")) return;
    this.#options.onFault?.(isKubeError(error) ? error : new KubeError("Other", String(error), { cause: error }));
  }
}
