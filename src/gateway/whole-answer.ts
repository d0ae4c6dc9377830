import { ByteTap } from "./byte-tap.ts";
import type { Exchange } from "./exchange.ts";
import { headerValue } from "./headers.ts";
import type { Outgoing, Upstream } from "./upstream.ts";

export type WholeAnswer = { readonly status: number; readonly encoding: string | null; readonly body: Buffer };

/** A pod gave no answer to a request of the gateway's own. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  /** Whether the pod may have got the request. */
  readonly sent: boolean;

  constructor(message: string, { sent }: { sent: boolean }) {
    super(message);
    this.sent = sent;
  }
}

export const largestAnswer = 64 * 1024 * 1024;

/**
 * Asks a pod for the gateway's own purposes and takes its whole answer.
 *
 * @throws {NoAnswer} when the pod fails, answers too much, or the signal is aborted
 */
export function wholeAnswer(upstream: Upstream, request: Outgoing, signal: AbortSignal): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new NoAnswer(`${upstream.name}: given up`, { sent: false }));
      return;
    }
    const taken = new ByteTap(largestAnswer);
    let status = 0;
    let encoding: string | null = null;
    const onAbort = () => {
      call.abort();
      reject(new NoAnswer(`${upstream.name}: given up`, { sent: true }));
    };
    const call = upstream.call(request, {
      start: (code, _message, headers) => {
        status = code;
        encoding = headerValue(headers, "content-encoding");
      },
      data: (chunk) => {
        taken.add(chunk);
        return true;
      },
      end: () => {
        signal.removeEventListener("abort", onAbort);
        const body = taken.bytes();
        if (body) resolve({ status, encoding, body });
        else reject(new NoAnswer(`${upstream.name} answered more than ${largestAnswer} bytes`, { sent: true }));
      },
      failed: ({ message, sent }) => {
        signal.removeEventListener("abort", onAbort);
        reject(new NoAnswer(`${upstream.name}: ${message}`, { sent }));
      },
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Sends a copy of a client's request, which was kept, to a pod.
 *
 * @returns NoAnswer, and does not throw it, when there is none
 */
export async function answerToCopy(
  upstream: Upstream,
  { request: body, asked: { path, headers } }: Pick<Exchange, "request" | "asked">,
  signal: AbortSignal,
): Promise<WholeAnswer | NoAnswer> {
  try {
    return await wholeAnswer(upstream, { method: "POST", path, headers: [...headers], body }, signal);
  } catch (error) {
    if (error instanceof NoAnswer) return error;
    throw error;
  }
}

/** Null of no answer. */
export function statusOf(answer: WholeAnswer | NoAnswer): number | null {
  return answer instanceof NoAnswer ? null : answer.status;
}
