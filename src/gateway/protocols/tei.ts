import { z } from "zod";
import { readInputs, readJson, readVector } from "./json.ts";
import { type Protocol, Unparsed } from "./protocol.ts";

const request = z.looseObject({ inputs: z.unknown() });

/** POST /embed of text-embeddings-inference (https://huggingface.github.io/text-embeddings-inference). */
export const tei: Protocol = {
  path: "/embed",
  readRequest(body) {
    const parsed = request.safeParse(readJson(body));
    if (!parsed.success) throw new Unparsed("shape", "the request is not an object with inputs");
    const { inputs, ...fields } = parsed.data;
    return { inputs: readInputs(inputs), fields };
  },
  readAnswer(body) {
    const rows = readJson(body);
    if (!Array.isArray(rows)) throw new Unparsed("shape", "the answer is not a list of vectors");
    return rows.map(readVector);
  },
  alters({ normalize, dimensions }) {
    return normalize === false || typeof dimensions === "number";
  },
  writeRequest(inputs, fields) {
    return Buffer.from(JSON.stringify({ ...fields, inputs }));
  },
  errorFields({ status, title, detail }) {
    const type = status === 413 ? "Validation" : status === 503 ? "Unhealthy" : "Backend";
    return { error: `${title}: ${detail}`, error_type: type };
  },
};
