import { z } from "zod";
import type { Input } from "./decode-input.ts";

/** A request, whatever its protocol: what to embed, and how to write the answer. */
export type EmbedRequest = {
  readonly inputs: readonly Input[];
  /** the field that inputs came in, for messages */
  readonly field: string;
  readonly write: (vectors: readonly Float32Array[]) => unknown;
};

export type Protocol = {
  readonly path: string;
  /** @throws {z.ZodError | RangeError} */
  readonly parse: (body: unknown, model: { readonly name: string; readonly dimension: number }) => EmbedRequest;
  readonly writeError: (message: string, status: number) => unknown;
};

/** JSON writes what is no finite number as null or as 1e999. Which one it is, `decodeInput` says by its place. */
const number = z.custom<number | null>((value) => value === null || typeof value === "number");
const numbers = z.array(number);
const inputs = z.union([z.string(), z.array(z.string()).min(1), numbers.min(1), z.array(numbers).min(1)], {
  error: "must be a string, an array of strings, an array of numbers or an array of arrays of numbers, and not empty",
});

const openAiRequest = z.object({
  input: inputs,
  model: z.string().optional(),
  encoding_format: z.enum(["float", "base64"]).default("float"),
  dimensions: z.int().min(1).optional(),
  user: z.string().optional(),
});

/** OpenAI's embeddings: https://platform.openai.com/docs/api-reference/embeddings */
const openAi: Protocol = {
  path: "/v1/embeddings",
  parse: (body, model) => {
    const request = openAiRequest.parse(body);
    if (request.dimensions !== undefined && request.dimensions !== model.dimension) {
      throw new RangeError(`dimensions: ${request.dimensions} was asked for, this model has ${model.dimension}`);
    }
    const each = request.encoding_format === "base64" ? base64 : (vector: Float32Array) => Array.from(vector);
    return {
      inputs: manyOf(request.input),
      field: "input",
      write: (vectors) => ({
        object: "list",
        model: request.model ?? model.name,
        data: vectors.map((vector, index) => ({ object: "embedding", index, embedding: each(vector) })),
        // An image or a vector counts as one token.
        usage: { prompt_tokens: vectors.length, total_tokens: vectors.length },
      }),
    };
  },
  writeError: (message, status) => ({
    error: { message, type: status < 500 ? "invalid_request_error" : "server_error", param: null, code: null },
  }),
};

const teiRequest = z.object({
  inputs,
  normalize: z.literal(true, { error: "must be true: this model's vectors always have length 1" }).default(true),
  truncate: z.boolean().optional(),
});

/** text-embeddings-inference: https://huggingface.github.io/text-embeddings-inference */
const tei: Protocol = {
  path: "/embed",
  parse: (body) => {
    const request = teiRequest.parse(body);
    return {
      inputs: manyOf(request.inputs),
      field: "inputs",
      write: (vectors) => vectors.map((vector) => Array.from(vector)),
    };
  },
  writeError: (message, status) => ({
    error: message,
    error_type: status === 429 ? "Overloaded" : status < 500 ? "Validation" : "Backend",
  }),
};

export const protocols: readonly Protocol[] = [openAi, tei];

function manyOf(input: z.infer<typeof inputs>): Input[] {
  if (typeof input === "string") return [input];
  const many: Input[] = [];
  const single: (number | null)[] = [];
  for (const item of input) {
    if (typeof item === "number" || item === null) single.push(item);
    else many.push(item);
  }
  return single.length > 0 ? [single] : many;
}

/** 32-bit little-endian numbers, as OpenAI writes them. */
function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}
