import { type StoreUri, storeUri } from "../api/index.ts";
import { blockEnd, SketchMismatch } from "../monitor/index.ts";
import { openStore } from "../registry/index.ts";
import { readEvidence, readOrigin } from "./alarm-evidence.ts";
import { recomputeAlarms } from "./alarm-trail.ts";
import type { SignalName } from "./fleet-monitor.ts";
import { loadMaterial } from "./material.ts";

/** An alarm as it was raised, and whether its evidence gives it again. */
export type RecomputedAlarm = {
  readonly signal: SignalName;
  readonly number: number;
  /** End of the block that raised it, ms of Unix time. */
  readonly at: number;
  readonly verdict: "Agrees" | "Differs";
};

/**
 * Computes the alarms of one evidence again, from what lies in the store and nothing else.
 *
 * @param root  of the store
 * @throws {StoreError} NotFound or Corrupt: the evidence, or a model that its references come from
 * @throws {SketchMismatch} when these models give other references than it was raised against
 */
export async function recomputeEvidence(root: string, uri: StoreUri): Promise<RecomputedAlarm[]> {
  const store = openStore(root);
  const folder = await store.resolve(uri);
  const origin = await readOrigin(folder);
  if (!origin) throw new SketchMismatch("it does not say what it was raised against");
  for (const model of [origin.model.uri, origin.baseline.uri]) {
    const held = storeUri.safeParse(model).data;
    if (held) await store.resolve(held);
  }
  const material = await loadMaterial({ ...origin, store: root, probes: 0, squeezers: [] });
  const evidence = await readEvidence(folder, material);
  const again = recomputeAlarms(evidence, material);
  const at = blockEnd(evidence.steps.at(-1)?.block ?? 0, evidence.before.blockMs);
  return evidence.raised.map(({ signal, number }) => {
    const agrees = again[signal].active && again[signal].number === number;
    return { signal, number, at, verdict: agrees ? "Agrees" : "Differs" };
  });
}
