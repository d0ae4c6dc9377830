import { z } from "zod";
import { readInputs, readJson, readVector } from "./json.ts";
import { type Protocol, Unparsed } from "./protocol.ts";

const request = z.looseObject({ input: z.unknown() });
const answer = z.looseObject({
  data: z.array(z.looseObject({ index: z.int().min(0).optional(), embedding: z.unknown() })),
});

/** OpenAI's embeddings (https://platform.openai.com/docs/api-reference/embeddings), floats and base64. */
export const openAi: Protocol = {
  path: "/v1/embeddings",
  readRequest(body) {
    const parsed = request.safeParse(readJson(body));
    if (!parsed.success) throw new Unparsed("shape", "the request is not an object with input");
    const { input, ...fields } = parsed.data;
    return { inputs: readInputs(input), fields };
  },
  readAnswer(body) {
    const parsed = answer.safeParse(readJson(body));
    if (!parsed.success) throw new Unparsed("shape", "the answer is not an object with data");
    const { data } = parsed.data;
    const ordered: Float32Array[] = [];
    data.forEach(({ index, embedding }, position) => {
      ordered[index ?? position] = typeof embedding === "string" ? fromBase64(embedding) : readVector(embedding);
    });
    if (ordered.length !== data.length || Object.keys(ordered).length !== data.length) {
      throw new Unparsed("shape", "the indices of the answer are not those of its vectors");
    }
    return ordered;
  },
  alters({ dimensions }) {
    return typeof dimensions === "number";
  },
  writeRequest(inputs, fields) {
    return Buffer.from(JSON.stringify({ ...fields, input: inputs, encoding_format: "float" }));
  },
  errorFields({ status, title, detail }) {
    const type = status < 500 ? "invalid_request_error" : "server_error";
    return { error: { message: `${title}: ${detail}`, type, param: null, code: null } };
  },
};

/** Little-endian single precision, as OpenAI's own client reads it. */
function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % 4 !== 0) throw new Unparsed("shape", "a base64 vector is not whole numbers of four bytes");
  const vector = new Float32Array(bytes.length / 4);
  for (let j = 0; j < vector.length; j++) vector[j] = bytes.readFloatLE(j * 4);
  return vector;
}
