import type { EmbeddingRequest, Protocol, WireInput } from "./protocols/index.ts";
import type { Upstream } from "./upstream.ts";
import { NoAnswer, wholeAnswer } from "./whole-answer.ts";

/** text-embeddings-inference takes at most 32 inputs a request unless told otherwise. */
const inputsPerRequest = 32;

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
  const parts: (readonly WireInput[])[] = [];
  for (let from = 0; from < inputs.length; from += inputsPerRequest) {
    parts.push(inputs.slice(from, from + inputsPerRequest));
  }
  const answers = await Promise.all(parts.map((part) => embedPart(upstream, protocol, part, fields, signal)));
  return answers.flat();
}

async function embedPart(
  upstream: Upstream,
  protocol: Protocol,
  inputs: readonly WireInput[],
  fields: EmbeddingRequest["fields"],
  signal: AbortSignal,
): Promise<readonly Float32Array[]> {
  const body = protocol.writeRequest(inputs, fields);
  const headers = ["content-type", "application/json"];
  const answer = await wholeAnswer(upstream, { method: "POST", path: protocol.path, headers, body }, signal).catch(
    (error: unknown) => {
      throw new EmbedFailed(error instanceof NoAnswer ? error.message : String(error), { cause: error });
    },
  );
  if (answer.status !== 200) throw new EmbedFailed(`${upstream.name} answered ${answer.status}`);
  const vectors = readAnswer(protocol, answer.body);
  if (vectors.length !== inputs.length) {
    throw new EmbedFailed(`${upstream.name} gave ${vectors.length} vectors for ${inputs.length} inputs`);
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
