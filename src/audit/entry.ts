import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { z } from "zod";

/** One link of the chain: what was decided, when, about which object. */
export const entry = z.object({
  seq: z.int().min(1),
  at: z.string(),
  kind: z.string(),
  subject: z.string(),
  detail: z.string(),
  prev: z.string(),
  hash: z.string(),
});
export type Entry = z.infer<typeof entry>;

/** A decision that is to be added to the chain. */
export type Fact = {
  readonly kind: string;
  /** Kind and name of the object it is about, such as `ModelRollout/shop-1a2b`. */
  readonly subject: string;
  readonly at: string;
  /** Canonical JSON: see `canonical`. */
  readonly detail: string;
};

/** Where a chain ends: what the next entry is linked to. */
export type Head = { readonly seq: number; readonly head: string };

/** What the first entry is linked to. */
export const genesis: Head = { seq: 0, head: `sha256:${"0".repeat(64)}` };

/** RFC 8785 canonical JSON, so that equal facts have equal bytes. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("undefined has no canonical JSON");
  return text;
}

/** `sha256:` and the hex digest of a text. */
export function sha256(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** hash = SHA-256 of the canonical JSON of everything else in the entry. */
export function hashOf({ seq, at, kind, subject, detail, prev }: Omit<Entry, "hash">): string {
  return sha256(canonical({ seq, at, kind, subject, detail, prev }));
}

/** Links facts to the end of a chain, in their order. */
export function link(head: Head, facts: readonly Fact[]): Entry[] {
  const entries: Entry[] = [];
  let { seq, head: prev } = head;
  for (const { at, kind, subject, detail } of facts) {
    seq += 1;
    const unhashed = { seq, at, kind, subject, detail, prev };
    const hash = hashOf(unhashed);
    entries.push({ ...unhashed, hash });
    prev = hash;
  }
  return entries;
}
