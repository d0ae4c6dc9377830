import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useWasm } from "../../test/harness/wasm-backend.ts";
import { buildNetwork, type Encoder, embedAll, initialWeights } from "../model/index.ts";
import { seededRandom } from "../monitor/index.ts";
import { EmbeddingServer } from "./server.ts";

const limits = { bodyBytes: 20_000, inputs: 4, batchSize: 8, queueSize: 4 };
const shape = [4, 4, 1];
const image = (value: number) => new Uint8Array(16).map((_, i) => (value + 40 * i) % 256);
const uri = (data: Uint8Array, width = 4, height = 4): string =>
  `data:image/png;base64,${Buffer.from(encode({ width, height, data, channels: 1, depth: 8 })).toString("base64")}`;

let encoder: Encoder;
const served: EmbeddingServer[] = [];
const bases: Record<"image" | "vector", string> = { image: "", vector: "" };

beforeAll(async () => {
  await useWasm();
  const make = (input_shape: number[]): Encoder => {
    const network = buildNetwork({
      model_type: "evenkeel-residual-mlp",
      input_shape,
      hidden_size: 6,
      intermediate_size: 6,
      num_hidden_layers: 1,
      embedding_size: 3,
    });
    return { network, weights: initialWeights(network, seededRandom(4)) };
  };
  encoder = make(shape);
  const image = new EmbeddingServer(
    { name: "store://m@sha256:" + "ab".repeat(32), encoder, modality: "Image" },
    limits,
  );
  const vector = new EmbeddingServer({ name: "vectors", encoder: make([5]), modality: "Vector" }, limits);
  served.push(image, vector);
  bases.image = `http://127.0.0.1:${await image.listen(0, "127.0.0.1")}`;
  bases.vector = `http://127.0.0.1:${await vector.listen(0, "127.0.0.1")}`;
});
afterAll(() => Promise.all(served.map((server) => server.drain())));

async function post(path: string, body: unknown, base = bases.image): Promise<{ status: number; json: unknown }> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(`${base}${path}`, { method: "POST", body: text });
  return { status: answer.status, json: await answer.json() };
}

describe("POST /v1/embeddings", () => {
  it("gives the model's vectors, in the order of the inputs", async () => {
    const inputs = [image(1), image(2)];
    const { status, json } = await post("/v1/embeddings", { input: inputs.map((each) => uri(each)), model: "mine" });
    const expected = embedAll(encoder, Buffer.concat(inputs));
    expect(status).toBe(200);
    expect(json).toEqual({
      object: "list",
      model: "mine",
      data: [0, 1].map((index) => ({
        object: "embedding",
        index,
        embedding: [...expected.subarray(index * 3, index * 3 + 3)],
      })),
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
  });

  it("writes base64 as 32-bit little-endian numbers", async () => {
    const { json } = await post("/v1/embeddings", { input: uri(image(3)), encoding_format: "base64", dimensions: 3 });
    const expected = Buffer.from(embedAll(encoder, image(3)).buffer).toString("base64");
    expect(json).toMatchObject({ data: [{ embedding: expected }] });
  });

  it.each<[string, unknown, number, string]>([
    ["a body that is no JSON", "{", 400, "the body is not JSON"],
    ["no input", {}, 400, "input: must be a string"],
    ["an empty batch", { input: [] }, 400, "input: must be a string"],
    ["text", { input: "hello" }, 400, "input[0]: an image must be a string that begins with data:image/png"],
    ["numbers", { input: [1, 2] }, 400, "input[0]: numbers were given"],
    ["no PNG", { input: `data:image/png;base64,${"A".repeat(80)}` }, 400, "input[0]: not a PNG image"],
    ["a damaged PNG", { input: uri(image(1)).replace(/.{20}$/, "A".repeat(20)) }, 400, "input[0]: a damaged PNG"],
    [
      "another size",
      { input: ["1", uri(new Uint8Array(25), 5, 5)].slice(1) },
      400,
      "the image has 5 × 5 pixels, this model takes 4 × 4",
    ],
    ["other dimensions", { input: uri(image(1)), dimensions: 8 }, 400, "dimensions: 8 was asked for, this model has 3"],
    ["an unknown encoding", { input: uri(image(1)), encoding_format: "hex" }, 400, "encoding_format"],
    [
      "too many inputs",
      { input: Array.from({ length: 5 }, () => uri(image(1))) },
      413,
      "input: 5 inputs were given, at most 4",
    ],
    ["a body that is too large", { input: "x".repeat(30_000) }, 413, "at most 20000 are taken"],
  ])("answers %s with a clear error", async (_, body, status, message) => {
    const answer = await post("/v1/embeddings", body);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({
      error: { message: expect.stringContaining(message), type: "invalid_request_error" },
    });
  });

  it("stops a large body that does not tell its size", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sending = request(`${bases.image}/v1/embeddings`, { method: "POST" }, (res) => {
        res.resume();
        resolve(res.statusCode);
        sending.destroy();
      });
      sending.on("error", reject);
      sending.setHeader("transfer-encoding", "chunked");
      sending.write("x".repeat(30_000));
    });
    expect(status).toBe(413);
  });

  it("answers 429 when too much waits, and serves the rest", async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        post("/v1/embeddings", { input: [uri(image(1)), uri(image(2)), uri(image(3))] }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
  });
});

describe("POST /embed", () => {
  it("gives a list of vectors", async () => {
    const { json } = await post("/embed", { inputs: uri(image(7)) });
    expect(json).toEqual([[...embedAll(encoder, image(7))]]);
  });

  it("takes one vector or many where the model takes vectors", async () => {
    const one = await post("/embed", { inputs: [1, 2, 3, 4, 5] }, bases.vector);
    const many = await post(
      "/embed",
      {
        inputs: [
          [1, 2, 3, 4, 5],
          [0, 0, 0, 0, 1],
        ],
      },
      bases.vector,
    );
    expect(one.json).toHaveLength(1);
    expect(many.json).toHaveLength(2);
  });

  it.each<[string, unknown, string]>([
    ["another length", { inputs: [1, 2] }, "inputs[0]: 2 numbers were given, this model takes 5"],
    ["a number beyond 32 bits", { inputs: [0, 1e300, 0, 0, 0] }, "inputs[0][1]: 1e+300 is not a finite number"],
    ["no number", { inputs: [[0, 1, 2, 3, null]] }, "inputs[0][4]: null is not a finite number"],
    ["no number at all", { inputs: [null] }, "inputs[0]: 1 numbers were given, this model takes 5"],
    ["an infinite number", '{"inputs": [0, 1, 1e999, 3, 4]}', "inputs[0][2]: Infinity is not a finite number"],
    ["a string among numbers", { inputs: [0, 1, "2", 3, 4] }, "inputs: must be a string, an array of strings"],
    ["a string", { inputs: "a" }, "inputs[0]: a string was given"],
    ["vectors that are not normalised", { inputs: [1, 2, 3, 4, 5], normalize: false }, "normalize: must be true"],
  ])("answers %s with a clear error", async (_, body, message) => {
    const answer = await post("/embed", body, bases.vector);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({ error: expect.stringContaining(message), error_type: "Validation" });
  });
});

describe("the server", () => {
  it("says what it serves", async () => {
    const info: unknown = await (await fetch(`${bases.image}/info`)).json();
    expect(info).toMatchObject({ model_sha: "ab".repeat(32), dimension: 3, shape, modality: "Image" });
    expect((await fetch(`${bases.image}/health`)).status).toBe(200);
    expect((await fetch(`${bases.image}/nowhere`)).status).toBe(404);
    expect((await fetch(`${bases.image}/embed`)).status).toBe(405);
  });

  it("says of a compressed body how it must be sent", async () => {
    const answer = await fetch(`${bases.vector}/embed`, {
      method: "POST",
      headers: { "content-encoding": "gzip" },
      body: gzipSync(JSON.stringify({ inputs: [1, 2, 3, 4, 5] })),
    });
    expect(answer.status).toBe(415);
    expect(answer.headers.get("accept-encoding")).toBe("identity");
    expect(await answer.json()).toMatchObject({
      error: "content-encoding gzip: the body must be sent as it is, without one",
    });
  });

  it("answers what is under way while it drains, and takes nothing new", async () => {
    const server = new EmbeddingServer({ name: "m", encoder, modality: "Image" }, limits);
    const base = `http://127.0.0.1:${await server.listen(0, "127.0.0.1")}`;
    const body = JSON.stringify({ inputs: uri(image(1)) });
    let drained: Promise<void> | undefined;
    const answer = await new Promise<{ status: number | undefined; connection: string | undefined }>(
      (resolve, reject) => {
        const sending = request(
          `${base}/embed`,
          { method: "POST", headers: { "content-length": body.length } },
          (res) => {
            res.resume();
            resolve({ status: res.statusCode, connection: res.headers.connection });
          },
        );
        sending.on("error", reject);
        sending.write(body.slice(0, 10), () => {
          // The request is under way, half of it sent, as the end is asked for.
          void fetch(`${base}/health`).finally(() => {
            drained = server.drain();
            sending.end(body.slice(10));
          });
        });
      },
    );
    await drained;
    expect(answer).toEqual({ status: 200, connection: "close" });
    await expect(fetch(`${base}/health`)).rejects.toThrow("fetch failed");
  });

  it("ends at its deadline while a client holds an unfinished body", async () => {
    const server = new EmbeddingServer({ name: "m", encoder, modality: "Image" }, limits);
    const base = `http://127.0.0.1:${await server.listen(0, "127.0.0.1")}`;
    const sending = request(`${base}/embed`, { method: "POST", headers: { "content-length": 100 } });
    const cut = new Promise<Error>((resolve) => sending.once("error", resolve));
    sending.write("{");
    // The server has the request once it answers another one that came later.
    await (await fetch(`${base}/health`)).text();
    await server.drain(10);
    expect(await cut).toMatchObject({ code: "ECONNRESET" });
  });
});
