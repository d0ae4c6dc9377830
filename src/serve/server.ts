import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { type Encoder, embedAll } from "../model/index.ts";
import { Batcher, Overloaded } from "./batcher.ts";
import { BadInput, decodeInput, type InputKind } from "./decode-input.ts";
import { type Protocol, protocols } from "./protocols.ts";

export type ServedModel = {
  /** what clients read as the model's name: its URI or folder */
  readonly name: string;
  readonly encoder: Encoder;
  readonly modality: "Image" | "Vector";
};

export type ServeLimits = {
  /** bytes of a request's body */
  readonly bodyBytes: number;
  /** inputs of a request */
  readonly inputs: number;
  /** inputs of one pass of the model */
  readonly batchSize: number;
  /** inputs that may wait */
  readonly queueSize: number;
};

export const defaultLimits: ServeLimits = { bodyBytes: 8 << 20, inputs: 256, batchSize: 64, queueSize: 4096 };

/**
 * The reference embedding server: OpenAI's and text-embeddings-inference's protocols, `/health`, `/info`.
 *
 * Answers 400 for what cannot be embedded, 413 for too much of it, 415 for a compressed body, 429 when too much waits, 503 while it ends.
 */
export class EmbeddingServer {
  readonly #server: Server;
  readonly #batcher: Batcher;
  readonly #model: ServedModel;
  readonly #kind: InputKind;
  readonly #limits: ServeLimits;
  #draining = false;

  constructor(model: ServedModel, limits: ServeLimits = defaultLimits) {
    const { network } = model.encoder;
    this.#model = model;
    this.#limits = limits;
    this.#kind = { modality: model.modality, shape: network.inputShape };
    this.#batcher = new Batcher((inputs) => embedAll(model.encoder, inputs, limits.batchSize), {
      dimension: network.dimension,
      ...limits,
    });
    // A first pass compiles and allocates: the first client does not wait for it.
    const size = network.inputShape.reduce((product, side) => product * side, 1);
    embedAll(model.encoder, model.modality === "Image" ? new Uint8Array(size) : new Float32Array(size));
    this.#server = createServer(
      { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
      (req, res) => {
        void this.#handle(req, res);
      },
    );
  }

  /** @returns the port it listens on */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === "object" && address ? address.port : port;
  }

  /**
   * No new connections; what is under way is answered.
   *
   * @param graceMs  after that, connections of clients that have not sent all or do not read are cut
   */
  async drain(graceMs = 20_000): Promise<void> {
    this.#draining = true;
    const deadline = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
    clearTimeout(deadline);
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? "/").split("?", 1)[0] ?? "/";
    if (req.method === "GET" && path === "/health") {
      send(res, this.#draining ? 503 : 200, { status: this.#draining ? "draining" : "ok" }, this.#draining);
      return;
    }
    if (req.method === "GET" && path === "/info") {
      send(res, 200, this.#info(), this.#draining);
      return;
    }
    const protocol = protocols.find((candidate) => candidate.path === path);
    if (!protocol) {
      const known = ["/health", "/info", ...protocols.map(({ path }) => path)].join(", ");
      send(res, 404, { error: `${path} is not here, only ${known}` }, this.#draining);
    } else if (req.method !== "POST") {
      res.setHeader("allow", "POST");
      send(res, 405, protocol.writeError(`${req.method} ${path}: only POST`, 405), this.#draining);
    } else {
      await this.#embed(req, res, protocol);
    }
  }

  async #embed(req: IncomingMessage, res: ServerResponse, protocol: Protocol): Promise<void> {
    try {
      const body = parseJson(await readBody(req, this.#limits.bodyBytes));
      const { name, encoder } = this.#model;
      const request = protocol.parse(body, { name, dimension: encoder.network.dimension });
      if (request.inputs.length > this.#limits.inputs) {
        const message = `${request.field}: ${request.inputs.length} inputs were given, at most ${this.#limits.inputs} are taken`;
        throw new BadInput(413, message);
      }
      const inputs = request.inputs.map((input, i) => decodeInput(input, this.#kind, `${request.field}[${i}]`));
      const vectors = await this.#batcher.embed(inputs);
      // A vector that is not finite goes out as it is, with null for its numbers: gateways count it as the model's defect,
      // and the other inputs of the request get theirs.
      send(res, 200, request.write(vectors), this.#draining);
    } catch (error) {
      const status = statusOf(error);
      // What is left of a body that was refused is not read.
      const close = this.#draining || !req.complete;
      if (status === 415) res.setHeader("accept-encoding", "identity");
      if (!res.destroyed) send(res, status, protocol.writeError(messageOf(error), status), close);
      if (status === 500) console.error("evenkeel:", error);
    }
  }

  #info(): Record<string, unknown> {
    const { network } = this.#model.encoder;
    return {
      model_id: this.#model.name,
      model_sha: /@sha256:([0-9a-f]{64})$/.exec(this.#model.name)?.[1] ?? null,
      model_dtype: "float32",
      model_type: { embedding: { pooling: "cls" } },
      architecture: network.architecture,
      modality: this.#kind.modality,
      shape: network.inputShape,
      dimension: network.dimension,
      max_client_batch_size: this.#limits.inputs,
      max_batch_requests: this.#limits.batchSize,
    };
  }
}

function send(res: ServerResponse, status: number, body: unknown, close: boolean): void {
  const text = JSON.stringify(body);
  if (close) res.setHeader("connection", "close");
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  res.end(text);
}

async function readBody(req: IncomingMessage, most: number): Promise<string> {
  const { "content-encoding": encoding = "identity" } = req.headers;
  if (encoding.toLowerCase() !== "identity") {
    throw new BadInput(415, `content-encoding ${encoding}: the body must be sent as it is, without one`);
  }
  const told = Number(req.headers["content-length"] ?? 0);
  if (told > most) throw new BadInput(413, `the body has ${told} bytes, at most ${most} are taken`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > most) throw new BadInput(413, `the body has more than the ${most} bytes that are taken`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadInput(400, `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function statusOf(error: unknown): number {
  if (error instanceof BadInput) return error.status;
  if (error instanceof z.ZodError || error instanceof RangeError) return 400;
  return error instanceof Overloaded ? 429 : 500;
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    return error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; ");
  }
  if (error instanceof BadInput || error instanceof RangeError || error instanceof Overloaded) return error.message;
  return "the model failed on these inputs";
}
