import { parentPort, workerData } from "node:worker_threads";
import type { EmbedMessage, EmbedOrder } from "./embed-order.ts";
import { embedReference } from "./embed-reference.ts";

// A worker's data is what its maker gave it: this is the parsed edge.
const order: EmbedOrder = workerData;
embedReference(order, new AbortController().signal).then(
  (message) => parentPort?.postMessage(message, []),
  (error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ kind: "Failed", why } satisfies EmbedMessage, []);
  },
);
