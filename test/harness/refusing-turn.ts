import { createServer } from "node:http";
import { connect, EventRecorder, systemClock, WriteTracker } from "../../src/kube/index.ts";
import { catalogue, instruments, processRegistry } from "../../src/metrics/index.ts";
import { openCaches } from "../../src/operator/caches.ts";
import type { Turn } from "../../src/operator/ports.ts";
import { onAllowList, PrometheusSources } from "../../src/signals/index.ts";
import { kubeconfigText } from "../integration/kube/cluster.ts";

const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };

type Made = { readonly data?: Readonly<Record<string, string>> };

type Answering = { readonly turn: Turn; readonly made: ReadonlyMap<string, Made>; readonly stop: () => Promise<void> };

const answers = {
  Refused: (plural: string) => ({ code: 403, reason: "Forbidden", message: `exceeded quota: ${plural}` }),
  Down: (plural: string) => ({ code: 500, reason: "InternalError", message: `failed calling webhook: ${plural}` }),
};

/** What becomes of a write: it is refused, its webhook is down, or it is done and the answer is lost. */
type Fault = "Refused" | "Down" | "Lost";

/** A turn against an API server that will have none of the kinds that are named, and stores all else. */
export async function refusingTurn(...plurals: readonly string[]): Promise<Answering> {
  return await faultyTurn("Refused", ...plurals);
}

/** A turn against an API server at which every write of the kinds that are named meets a fault; it stores all else. */
export async function faultyTurn(fault: Fault, ...plurals: readonly string[]): Promise<Answering> {
  const made = new Map<string, Made>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "", "http://localhost").pathname.split("/");
    const plural = path[path.indexOf("namespaces") + 2] ?? "";
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "GET") {
        const there = made.get(path.slice(-2).join("/"));
        response.writeHead(there ? 200 : 404, { "content-type": "application/json" });
        response.end(JSON.stringify(there ?? { kind: "Status", reason: "NotFound", message: "not found", code: 404 }));
        return;
      }
      const meets = plurals.includes(plural) ? fault : null;
      const { metadata = {}, ...object } = JSON.parse(Buffer.concat(chunks).toString());
      const created = { ...object, metadata: { ...metadata, ...stored } };
      if (request.method === "POST" && made.has(`${plural}/${metadata.name}`)) {
        response.writeHead(409, { "content-type": "application/json" });
        response.end(JSON.stringify({ kind: "Status", reason: "AlreadyExists", message: "already exists", code: 409 }));
        return;
      }
      const happens = meets === null || meets === "Lost";
      if (happens && request.method === "DELETE") made.delete(path.slice(-2).join("/"));
      else if (happens) made.set(`${plural}/${metadata.name}`, created);
      if (meets === "Lost") {
        response.destroy();
        return;
      }
      const { code, ...body } =
        meets === null ? { code: 201, ...created } : { kind: "Status", ...answers[meets](plural) };
      response.writeHead(code, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server listens on no port");
  const text = kubeconfigText(`http://127.0.0.1:${address.port}`, "", "token");
  const kube = await connect({ kubeconfigText: text, fieldManager: "test" });
  return {
    made,
    turn: {
      kube,
      caches: openCaches(kube, {}),
      writes: new WriteTracker(),
      ownerships: new WeakMap(),
      events: new EventRecorder({ kube, controller: "test", instance: "test" }),
      sources: new PrometheusSources(async () => null, onAllowList([])),
      metrics: instruments(catalogue.operator, processRegistry()),
      settings: { image: "evenkeel", trainerImage: "trainer", resync: 60_000 },
      clock: systemClock,
      key: { namespace: "search", name: "shop" },
      signal: new AbortController().signal,
    },
    stop: async () => {
      await kube.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
