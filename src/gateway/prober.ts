import { compareProbes, matrixOf, measureRepeatNoise, type ProbeComparison } from "../monitor/index.ts";
import { EmbedFailed, embed } from "./embed.ts";
import type { Material } from "./material.ts";
import { isOpen, type PodDirectory, type PodEntry, type ProbeState } from "./pod-directory.ts";
import type { Protocol } from "./protocols/index.ts";
import type { RepeatNoiseBook } from "./repeat-noise.ts";
import { Wakeup } from "./wakeup.ts";
import { NoAnswer } from "./whole-answer.ts";

export type ProberOptions = {
  readonly directory: PodDirectory;
  readonly protocol: Protocol;
  /** Null while it is not known; probes then wait. */
  readonly material: (digest: string) => Material | null;
  readonly noise: RepeatNoiseBook;
  /** As it is now. */
  readonly everyMs: () => number;
  readonly timeoutMs: number;
  readonly onProbe: (entry: PodEntry, probe: ProbeState) => void;
  readonly onFault: (error: unknown) => void;
};

/** A pod that does not answer its probes is asked again after this. */
const retryMs = 1_000;

/**
 * Canary probes (P0): fixed inputs, embedded by each pod again and again, compared with what the bundle says. The noise of
 * repeats is measured once for each model, on the first pod that answers and matches. Each pod has one probe under way at
 * most, and none waits for another's.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #wakeup = new Wakeup();
  /** When each pod was last asked. */
  readonly #asked = new Map<string, number>();
  readonly #underWay = new Map<string, AbortController>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Something has changed: pods that were never probed are probed now. */
  kick(): void {
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { directory, everyMs } = this.#options;
    while (!signal.aborted) {
      const ready = directory.entries().filter(({ identity }) => identity.ready);
      this.#forget(new Set(ready.map(keyOf)));
      const now = performance.now();
      for (const entry of ready) if (this.#due(entry) <= now) this.#begin(entry);
      const next = Math.min(now + everyMs(), ...ready.map((entry) => this.#due(entry)).filter((due) => due > now));
      await this.#wakeup.sleep(Math.max(10, next - performance.now()), signal);
    }
    this.#forget(new Set());
  }

  #begin(entry: PodEntry): void {
    const { material, onFault } = this.#options;
    const key = keyOf(entry);
    const known = material(entry.identity.digest);
    if (!known || this.#underWay.has(key)) return;
    const stop = new AbortController();
    this.#underWay.set(key, stop);
    this.#asked.set(key, performance.now());
    void this.#probe(entry, known, stop.signal)
      .catch(onFault)
      .finally(() => {
        if (this.#underWay.get(key) === stop) this.#underWay.delete(key);
        this.kick();
      });
  }

  /** A pod without a verdict is asked again soon; one whose model had no probes, as soon as there are some. */
  #due(entry: PodEntry): number {
    const { everyMs, material } = this.#options;
    const asked = this.#asked.get(keyOf(entry)) ?? -Infinity;
    const { probe } = entry;
    const soon = isOpen(probe) || (probe.kind === "Unknowable" && material(entry.identity.digest)?.probes != null);
    return asked + (soon ? Math.min(retryMs, everyMs()) : everyMs());
  }

  async #probe(entry: PodEntry, { probes }: Material, signal: AbortSignal): Promise<void> {
    const { directory, onProbe } = this.#options;
    const probe = probes ? await this.#compare(entry, probes, signal) : { kind: "Unknowable" as const };
    if (!probe || signal.aborted) return;
    directory.setProbe(entry, probe);
    if (probe.kind !== "Unanswered") onProbe(entry, probe);
  }

  /** @returns null when the pod did not embed them: that says nothing of its model, which keeps its verdict */
  async #compare(
    entry: PodEntry,
    { inputs, expected }: NonNullable<Material["probes"]>,
    signal: AbortSignal,
  ): Promise<ProbeState | null> {
    const { protocol, timeoutMs, noise: book } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const vectors = await embed(entry.upstream, protocol, inputs, {}, limit);
      if (vectors.some(({ length }) => length !== expected.columns))
        return { kind: "Mismatched", comparison: nothingAlike };
      const actual = matrixOf(vectors);
      const { digest } = entry.identity;
      let noise = await book.find(digest);
      if (!noise) {
        const again = matrixOf(await embed(entry.upstream, protocol, inputs, {}, limit));
        noise = measureRepeatNoise([actual, again]);
        // Noise of a pod with another model would be taken for the model's own.
        if (compareProbes(expected, actual, noise).match) book.put(digest, noise);
      }
      const comparison = compareProbes(expected, actual, noise);
      return { kind: comparison.match ? "Matched" : "Mismatched", comparison };
    } catch (error) {
      if (error instanceof EmbedFailed && error.cause instanceof NoAnswer && isOpen(entry.probe) && !signal.aborted) {
        return { kind: "Unanswered", why: error.message };
      }
      if (error instanceof EmbedFailed || error instanceof RangeError) return null;
      throw error;
    }
  }

  /** What a pod that has gone, or is not ready, would still answer says nothing of the one that may come back. */
  #forget(present: ReadonlySet<string>): void {
    for (const key of this.#asked.keys()) if (!present.has(key)) this.#asked.delete(key);
    for (const [key, stop] of this.#underWay) {
      if (present.has(key)) continue;
      this.#underWay.delete(key);
      stop.abort();
    }
  }
}

const nothingAlike: ProbeComparison = {
  distance: 2,
  meanDistance: 2,
  normRatio: 0,
  neighbourOverlap: 0,
  procrustes: Math.SQRT2,
  match: false,
};

/** A pod that became ready anew is another one for its probes. */
function keyOf({ identity, upstream }: PodEntry): string {
  return `${identity.uid} ${upstream.origin} ${identity.digest}`;
}
