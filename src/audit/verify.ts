import { type Entry, genesis, type Head, hashOf } from "./entry.ts";

export type Verification =
  | { readonly kind: "Whole"; readonly entries: number; readonly head: string }
  /** `seq` is the number that the broken link has, or should have. */
  | { readonly kind: "Broken"; readonly seq: number; readonly reason: string };

/**
 * Proves a chain whole, or names its first broken link.
 *
 * A chain alone cannot show that its end was cut off: give `end`, the head that the service's status or the metric
 * `evenkeel_audit_head_info` has, to prove that too.
 */
export function verifyChain(entries: readonly Entry[], end?: Head): Verification {
  let { seq, head } = genesis;
  for (const entry of entries) {
    const expected = seq + 1;
    const broken = (reason: string): Verification => ({ kind: "Broken", seq: expected, reason });
    if (entry.seq !== expected) return broken(`entry ${expected} is missing: ${entry.seq} stands in its place`);
    if (entry.prev !== head) return broken("it is not linked to the entry before it");
    if (hashOf(entry) !== entry.hash) return broken("its content does not have its hash");
    seq = entry.seq;
    head = entry.hash;
  }
  if (!end || (end.seq === seq && end.head === head)) return { kind: "Whole", entries: seq, head };
  if (end.seq > seq)
    return { kind: "Broken", seq: seq + 1, reason: `the chain ends at ${seq}, it should at ${end.seq}` };
  if (end.seq < seq) {
    return { kind: "Broken", seq: end.seq + 1, reason: `the chain should end at ${end.seq}, it goes on to ${seq}` };
  }
  return { kind: "Broken", seq, reason: "the last entry is not the one that the head names" };
}
