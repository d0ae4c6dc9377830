import type { Upstream } from "./upstream.ts";

/** What the consistency probe says of a request, all its inputs together. */
export type GuardVerdict =
  | {
      readonly kind: "Flagged" | "Clean";
      /** The largest of its inputs' scores. */
      readonly score: number;
      readonly scored: number;
      readonly flagged: number;
      /** Indices of the flagged inputs. */
      readonly which: ReadonlySet<number>;
    }
  /** It passes, and is counted: protection fails open. */
  | { readonly kind: "Unscored"; readonly reason: string };

/** Protection while it is on: scores a request before it is answered (decision 10). */
export interface Guard {
  readonly mode: "Tag" | "Block";
  /** Longest time that an answer may wait for its score, ms. */
  readonly maxDelay: number;
  /** Largest request and answer that are scored. */
  readonly maxBytes: number;
  /** Starts while the pod works on the request itself; called once its whole body is here. */
  begin(request: Buffer, upstream: Upstream): PendingScore;
}

export interface PendingScore {
  /** Never rejects. */
  judge(answer: Buffer, encoding: string | null): Promise<GuardVerdict>;
  /** The answer is not coming, or is not waited for. */
  cancel(): void;
}
