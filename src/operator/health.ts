import { once } from "node:events";
import express from "express";
import type { Health, Manager } from "../kube/index.ts";
import type { processRegistry } from "../metrics/index.ts";

export type HealthServer = { readonly address: string; readonly close: () => Promise<void> };

/** `/healthz`, `/readyz` and `/metrics`. */
export async function serveHealth({
  manager,
  registry,
  host,
  port,
}: {
  readonly manager: Pick<Manager, "live" | "ready">;
  readonly registry: ReturnType<typeof processRegistry>;
  readonly host: string;
  readonly port: number;
}): Promise<HealthServer> {
  const app = express();
  app.disable("x-powered-by");
  const answer = (check: () => Health) => (_: express.Request, response: express.Response) => {
    const health = check();
    if (health.kind === "Healthy") response.type("text").send("ok\n");
    else
      response
        .status(503)
        .type("text")
        .send(`${health.reasons.join("\n")}\n`);
  };
  app.get(
    "/healthz",
    answer(() => manager.live()),
  );
  app.get(
    "/readyz",
    answer(() => manager.ready()),
  );
  app.get("/metrics", async (_, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  const server = app.listen(port, host);
  await once(server, "listening");
  const bound = server.address();
  const shown = bound !== null && typeof bound === "object" ? `${bound.address}:${bound.port}` : String(bound);
  return {
    address: shown,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
