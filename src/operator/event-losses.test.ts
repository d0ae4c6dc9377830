import { expect, it } from "vitest";
import { KubeError } from "../kube/index.ts";
import { eventLosses } from "./event-losses.ts";

it("events that are lost are counted, and each reason is logged once", () => {
  const counted: string[] = [];
  const logged: string[] = [];
  const { onFault, onDropped } = eventLosses(
    (reason) => void counted.push(reason),
    (level, message) => void logged.push(`${level} ${message}`),
  );
  const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };
  const metadata = { namespace: "search", name: "shop", ...stored };
  const regarding = { apiVersion: "evenkeel.dev/v1alpha1", kind: "EmbeddingService", metadata };
  onFault(new KubeError("Forbidden", "create Event search/shop.1: no right to"));
  onFault(new KubeError("Forbidden", "create Event search/shop.2: no right to"));
  onFault(new KubeError("Unavailable", "create Event search/shop.3: no answer"));
  onDropped({ regarding, type: "Normal", reason: "StepPassed", note: "" });
  expect(counted).toEqual(["Forbidden", "Forbidden", "Unavailable", "Dropped"]);
  expect(logged).toEqual([
    "warn an event was lost: create Event search/shop.1: no right to",
    "warn an event was lost: create Event search/shop.3: no answer",
    "warn an event was lost: StepPassed of EmbeddingService search/shop: it has had too many",
  ]);
});
