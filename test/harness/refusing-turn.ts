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

/** A turn against an API server that will have none of the kinds that are named, and stores all else. */
export async function refusingTurn(...plurals: readonly string[]): Promise<Answering> {
  const made = new Map<string, Made>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "", "http://localhost").pathname.split("/");
    // The last, or the last but one of a single object.
    const plural = path.findLast((part) => plurals.includes(part)) ?? path.at(-1) ?? "";
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "GET") {
        const there = made.get(path.slice(-2).join("/"));
        response.writeHead(there ? 200 : 404, { "content-type": "application/json" });
        response.end(JSON.stringify(there ?? { kind: "Status", reason: "NotFound", message: "not found", code: 404 }));
        return;
      }
      const { metadata, ...object } = JSON.parse(Buffer.concat(chunks).toString());
      const refusal = { kind: "Status", reason: "Forbidden", message: `exceeded quota: ${plural}`, code: 403 };
      const refused = plurals.includes(plural);
      const created = { ...object, metadata: { ...metadata, ...stored } };
      if (!refused) made.set(`${plural}/${metadata.name}`, created);
      response.writeHead(refused ? 403 : 201, { "content-type": "application/json" });
      response.end(JSON.stringify(refused ? refusal : created));
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
