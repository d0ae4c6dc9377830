import { ByteTap } from "./byte-tap.ts";
import type { Exchange } from "./exchange.ts";
import { headerValue } from "./headers.ts";
import type { Outgoing, Upstream } from "./upstream.ts";

export type WholeAnswer = { readonly status: number; readonly encoding: string | null; readonly body: Buffer };

/** A pod gave no answer to a request of the gateway's own. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
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
      reject(new NoAnswer(`${upstream.name}: given up`));
      return;
    }
    const taken = new ByteTap(largestAnswer);
    let status = 0;
    let encoding: string | null = null;
    const onAbort = () => {
      call.abort();
      reject(new NoAnswer(`${upstream.name}: given up`));
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
        else reject(new NoAnswer(`${upstream.name} answered more than ${largestAnswer} bytes`));
      },
      failed: ({ message }) => {
        signal.removeEventListener("abort", onAbort);
        reject(new NoAnswer(`${upstream.name}: ${message}`));
      },
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Sends a copy of a client's request to a pod. @returns null when it gives no answer, or the request was not kept */
export async function answerToCopy(
  upstream: Upstream,
  { request: body, asked: { path, headers } }: Pick<Exchange, "request" | "asked">,
  signal: AbortSignal,
): Promise<WholeAnswer | null> {
  if (body === null) return null;
  try {
    return await wholeAnswer(upstream, { method: "POST", path, headers: [...headers], body }, signal);
  } catch (error) {
    if (error instanceof NoAnswer) return null;
    throw error;
  }
}
