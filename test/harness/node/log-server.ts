import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerName } from "./nodes.ts";

/** A container's log as the server reads it. */
export interface LogSource {
  /** File of the current start, or of the one before; null when there is none. */
  readonly file: (of: Required<ContainerName>, previous: boolean) => string | null;
  readonly running: (of: Required<ContainerName>) => boolean;
}

export interface LogServer {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

const followMs = 200;

/**
 * The one endpoint of a kubelet that `kubectl logs` needs, on loopback.
 *
 * @param certificate  PEM of certificate and key; the API server does not verify it
 */
export async function startLogServer(
  source: LogSource,
  certificate: { readonly cert: string; readonly key: string },
): Promise<LogServer> {
  const server = createServer(certificate, (request, response) => {
    const url = new URL(request.url ?? "/", "https://kubelet");
    const [, kind, namespace, pod, container] = url.pathname.split("/");
    const known = kind === "containerLogs" && namespace && pod && container;
    const file = known ? source.file({ namespace, pod, container }, url.searchParams.get("previous") === "true") : null;
    if (!known || file === null) {
      response.writeHead(404).end("the harness has no such log\n");
      return;
    }
    const follow = url.searchParams.get("follow") === "true";
    const goesOn = () => follow && !response.destroyed && source.running({ namespace, pod, container });
    send(response, file, Number(url.searchParams.get("tailLines") ?? Number.POSITIVE_INFINITY), goesOn).catch((error) =>
      response.destroy(error),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on TCP");
  return {
    port: address.port,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function send(response: ServerResponse, file: string, tailLines: number, goesOn: () => boolean): Promise<void> {
  response.writeHead(200, { "content-type": "text/plain" });
  response.flushHeaders();
  const text = await readFile(file, "utf8").catch(() => "");
  response.write(lastLines(text, tailLines));
  let at = Buffer.byteLength(text);
  for (let last = false; !last; ) {
    // Looked at once more after the container has ended: its last words may have come in between.
    last = !goesOn();
    const handle = await open(file).catch(() => null);
    if (!handle) break;
    const { size } = await handle.stat();
    const chunk = Buffer.alloc(size - at);
    await handle.read(chunk, 0, chunk.length, at);
    await handle.close();
    at = size;
    if (chunk.length > 0) response.write(chunk);
    if (!last) await sleep(followMs);
  }
  response.end();
}

/** The last lines of a text, all of it when there are fewer. */
export function lastLines(text: string, count: number): string {
  if (!Number.isFinite(count)) return text;
  const lines = text.split("\n");
  // A text that ends in a line break ends in an empty piece.
  const ends = lines.at(-1) === "" ? 1 : 0;
  return lines.slice(Math.max(0, lines.length - ends - count)).join("\n");
}
