import type { ProbeComparison } from "../monitor/index.ts";
import type { PodIdentity } from "./pod-identity.ts";
import { Upstream, type UpstreamTimeouts } from "./upstream.ts";

/** What the canary probes say of a pod (P0). */
export type ProbeState =
  | { readonly kind: "Unprobed" }
  /** Nothing answered on its port, ever: that says nothing of its model. */
  | { readonly kind: "Unanswered"; readonly why: string }
  /** It serves a model that no probes are known of. */
  | { readonly kind: "Unknowable" }
  | { readonly kind: "Matched" | "Mismatched"; readonly comparison: ProbeComparison };

/** A pod that has an address and a model. */
export type PodEntry = {
  readonly identity: PodIdentity & { readonly address: string; readonly digest: string };
  readonly upstream: Upstream;
  readonly probe: ProbeState;
};

/** How models are trusted: a pod of a strict one gets traffic only after a match. */
export type Admission = (digest: string) => "Match" | "MatchOrUnknowable" | "Never";

const closeGraceMs = 60_000;
const unprobed: ProbeState = { kind: "Unprobed" };

/** Whether a pod has no verdict yet and must be asked. */
export function isOpen({ kind }: ProbeState): boolean {
  return kind === "Unprobed" || kind === "Unanswered";
}

/** Pods of a service by what they are now, and which of them may have traffic. */
export class PodDirectory {
  readonly #port: number;
  readonly #timeouts: UpstreamTimeouts;
  readonly #entries = new Map<string, PodEntry>();
  #admission: Admission = () => "Never";
  #admitted = new Map<string, Upstream[]>();

  constructor(port: number, timeouts: UpstreamTimeouts) {
    this.#port = port;
    this.#timeouts = timeouts;
  }

  /** Takes in a pod as it is now. @returns whether it must be probed (anew) */
  put(identity: PodIdentity): boolean {
    const { uid, name, address, digest, ready } = identity;
    const before = this.#entries.get(uid);
    if (address === null || digest === null) {
      this.remove(uid);
      return false;
    }
    const same = before?.identity.address === address && before.identity.digest === digest;
    if (before && !same) this.remove(uid);
    const upstream =
      same && before
        ? before.upstream
        : new Upstream({ name, digest, address, port: this.#port, timeouts: this.#timeouts });
    // A pod that was not ready may have started its container anew, with other weights on its disk.
    const probe = same && before && ready ? before.probe : unprobed;
    this.#entries.set(uid, { identity: { ...identity, address, digest }, upstream, probe });
    this.#admit();
    return ready && isOpen(probe);
  }

  remove(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    this.#entries.delete(uid);
    this.#admit();
    void entry.upstream.close(closeGraceMs);
  }

  /** Keeps a probe's outcome, unless the pod has become another meanwhile. */
  setProbe(entry: PodEntry, probe: ProbeState): void {
    const current = this.#entries.get(entry.identity.uid);
    if (current?.upstream !== entry.upstream || !current.identity.ready) return;
    this.#entries.set(entry.identity.uid, { ...current, probe });
    this.#admit();
  }

  setAdmission(admission: Admission): void {
    this.#admission = admission;
    this.#admit();
  }

  /** Pods of a model that may have traffic. */
  admitted(digest: string): readonly Upstream[] {
    return this.#admitted.get(digest) ?? [];
  }

  entries(): PodEntry[] {
    return [...this.#entries.values()];
  }

  clear(): void {
    for (const uid of this.#entries.keys()) this.remove(uid);
  }

  #admit(): void {
    const admitted = new Map<string, Upstream[]>();
    for (const { identity, probe, upstream } of this.#entries.values()) {
      if (!identity.ready) continue;
      const admission = this.#admission(identity.digest);
      const passes = admission !== "Never" && probe.kind === "Matched";
      if (!passes && !(admission === "MatchOrUnknowable" && probe.kind === "Unknowable")) continue;
      const pods = admitted.get(identity.digest);
      if (pods) pods.push(upstream);
      else admitted.set(identity.digest, [upstream]);
    }
    this.#admitted = admitted;
  }
}
