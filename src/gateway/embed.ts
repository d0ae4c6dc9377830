import { ByteTap } from "./byte-tap.ts";
import type { EmbeddingRequest, Protocol, WireInput } from "./protocols/index.ts";
import type { Upstream } from "./upstream.ts";

/** text-embeddings-inference takes at most 32 inputs a request unless told otherwise. */
const inputsPerRequest = 32;
const largestAnswer = 64 * 1024 * 1024;

/** A pod did not embed what the gateway itself asked for. */
export class EmbedFailed extends Error {
  override readonly name = "EmbedFailed";
}

/**
 * Embeds inputs through one pod, for the gateway's own purposes. Such requests count in no statistics.
 *
 * @returns one vector for each input
 * @throws {EmbedFailed} when the pod fails, answers something else, or the signal is aborted
 */
export async function embed(
  upstream: Upstream,
  protocol: Protocol,
  inputs: readonly WireInput[],
  fields: EmbeddingRequest["fields"],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (let from = 0; from < inputs.length; from += inputsPerRequest) {
    const part = inputs.slice(from, from + inputsPerRequest);
    const answer = await post(upstream, protocol.path, protocol.writeRequest(part, fields), signal);
    const read = readAnswer(protocol, answer);
    if (read.length !== part.length) {
      throw new EmbedFailed(`${upstream.name} gave ${read.length} vectors for ${part.length} inputs`);
    }
    vectors.push(...read);
  }
  return vectors;
}

function readAnswer(protocol: Protocol, answer: Buffer): readonly Float32Array[] {
  try {
    return protocol.readAnswer(answer);
  } catch (error) {
    throw new EmbedFailed(error instanceof Error ? error.message : "the answer is unreadable", { cause: error });
  }
}

function post(upstream: Upstream, path: string, body: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new EmbedFailed("given up"));
      return;
    }
    const taken = new ByteTap(largestAnswer);
    let status = 0;
    const onAbort = () => {
      call.abort();
      reject(new EmbedFailed("given up"));
    };
    const settle = (error: EmbedFailed | null) => {
      signal.removeEventListener("abort", onAbort);
      const bytes = taken.bytes();
      if (error) reject(error);
      else if (status !== 200) reject(new EmbedFailed(`${upstream.name} answered ${status}`));
      else if (bytes === null) reject(new EmbedFailed(`${upstream.name} answered more than ${largestAnswer} bytes`));
      else resolve(bytes);
    };
    const call = upstream.call(
      { method: "POST", path, headers: ["content-type", "application/json"], body },
      {
        start: (code) => {
          status = code;
        },
        data: (chunk) => {
          taken.add(chunk);
          return true;
        },
        end: () => settle(null),
        failed: ({ message }) => settle(new EmbedFailed(`${upstream.name}: ${message}`)),
      },
    );
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
