import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { backoffDelay, sleep } from "../kube/index.ts";
import type { EmbedMessage, EmbedOrder } from "./embed-order.ts";

export type EmbedLeaderOptions = {
  /** What is to be embedded, as it is now; of each model at most one. */
  readonly orders: () => readonly EmbedOrder[];
  /** Vectors that the pods of a model gave for it. */
  readonly onEmbedded: (model: string, vectors: number) => void;
  readonly onFault: (error: unknown) => void;
};

/** How a model's orders have gone. */
export type Tried = { readonly failures: number; readonly notBefore: number };

const lookEveryMs = 1_000;
/** After a success the store is looked into before the next try. */
const settleMs = 60_000;
const backoff = { baseMs: 5_000, maxMs: 300_000, jitter: 0.2 };

/**
 * Has embedded what models bring no reference of, one model at a time, while this gateway leads. What was not finished
 * when it stops leading is left: the next begins anew.
 */
export async function leadEmbedding(options: EmbedLeaderOptions, signal: AbortSignal): Promise<void> {
  const { orders, onEmbedded, onFault } = options;
  const tried = new Map<string, Tried>();
  while (!signal.aborted) {
    const order = nextOrder(orders(), tried, performance.now());
    if (!order) {
      await sleep(lookEveryMs, signal).catch(() => {});
      continue;
    }
    const { digest, uri } = order.model;
    const before = tried.get(digest)?.failures ?? 0;
    try {
      const { vectors } = await carryOut(beginningAt(before, order), signal);
      onEmbedded(digest, vectors);
      tried.set(digest, { failures: 0, notBefore: performance.now() + settleMs });
    } catch (error) {
      if (signal.aborted) return;
      onFault(new Error(`${uri} cannot be embedded yet: ${messageOf(error)}`, { cause: error }));
      const failures = before + 1;
      tried.set(digest, { failures, notBefore: performance.now() + backoffDelay(failures, backoff) });
    }
  }
}

/** The one that waits longest; null when none is due. A model that always fails keeps no other from its turn. */
export function nextOrder(
  orders: readonly EmbedOrder[],
  tried: ReadonlyMap<string, Tried>,
  now: number,
): EmbedOrder | null {
  const dueAt = ({ model }: EmbedOrder): number => tried.get(model.digest)?.notBefore ?? -Infinity;
  const [first] = orders.filter((order) => dueAt(order) <= now).toSorted((a, b) => dueAt(a) - dueAt(b));
  return first ?? null;
}

/** Each try asks another pod: it may be the pod that fails. */
export function beginningAt(failures: number, order: EmbedOrder): EmbedOrder {
  const first = failures % Math.max(1, order.pods.length);
  return { ...order, pods: [...order.pods.slice(first), ...order.pods.slice(0, first)] };
}

/** In a thread of its own: it reads a whole dataset and squeezes images, which requests must not wait for. */
async function carryOut(order: EmbedOrder, signal: AbortSignal): Promise<EmbedMessage & { kind: "Embedded" }> {
  const worker = new Worker(new URL("./embed-worker.ts", import.meta.url), { workerData: order });
  try {
    const message: EmbedMessage = await Promise.race([
      once(worker, "message", { signal }).then(([answer]) => answer),
      once(worker, "exit", { signal }).then(([code]) => {
        throw new Error(`the thread that embeds ended with code ${code}`);
      }),
    ]);
    if (message.kind === "Failed") throw new Error(message.why);
    return message;
  } finally {
    await worker.terminate();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
