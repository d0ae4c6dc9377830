import { once } from "node:events";
import { createServer, type Server } from "node:http";
import express from "express";
import type { Registry } from "prom-client";
import { z } from "zod";
import { digest } from "../api/index.ts";
import type { WireBlocks } from "./block-wire.ts";

export type AdminOptions = {
  readonly registry: Registry;
  /** Brings gauges up to date that are read from elsewhere. */
  readonly beforeScrape: () => void;
  /** Why it is not ready; empty when it is. */
  readonly unready: () => readonly string[];
  /** Null while there is no configuration. */
  readonly blocks: (model: string, after: number) => WireBlocks | null;
};

const blocksQuery = z.object({ model: digest, after: z.coerce.number().int().min(-1) });

/** The admin port: health, metrics, and the blocks that the lease holder asks for. */
export class Admin {
  readonly #server: Server;

  constructor({ registry, beforeScrape, unready, blocks }: AdminOptions) {
    const app = express();
    app.disable("x-powered-by");
    app.get("/healthz", (_request, response) => {
      response.type("text/plain").send("ok\n");
    });
    app.get("/readyz", (_request, response) => {
      const reasons = unready();
      response
        .status(reasons.length === 0 ? 200 : 503)
        .type("text/plain")
        .send(reasons.length === 0 ? "ok\n" : `${reasons.join("\n")}\n`);
    });
    app.get("/metrics", async (_request, response) => {
      beforeScrape();
      response.type(registry.contentType).send(await registry.metrics());
    });
    app.get("/internal/blocks", (request, response) => {
      const query = blocksQuery.safeParse(request.query);
      if (!query.success) {
        response.status(400).json({ title: "Bad query", status: 400, detail: z.prettifyError(query.error) });
        return;
      }
      const found = blocks(query.data.model, query.data.after);
      if (found) response.json(found);
      else response.status(503).json({ title: "No configuration yet", status: 503 });
    });
    this.#server = createServer(app);
  }

  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
