import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { putBundle } from "../../test/integration/gateway/model.ts";
import { modelIdentity, type StoreUri } from "../api/index.ts";
import { blockEnd, row, SketchMismatch } from "../monitor/index.ts";
import { openStore, type Store } from "../registry/index.ts";
import { alarmsName, evidenceFiles } from "./alarm-evidence.ts";
import { type AlarmEvidence, evidenceOf, extendTrail, type StepInput, type TrailStep } from "./alarm-trail.ts";
import { fleetSettingsFixture as settings } from "./fleet.fixture.ts";
import { startFleet, stepFleet } from "./fleet-monitor.ts";
import { loadMaterial, type Material } from "./material.ts";
import { recomputeEvidence } from "./recomputed-alarm.ts";

const first = 1_000;
let root: string;
let store: Store;
let bundle: StoreUri;
let material: Material;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "recomputed-"));
  store = openStore(root);
  bundle = await putBundle(store, 0);
  const model = { digest: modelIdentity(bundle).digest, uri: bundle };
  const service = { namespace: "search", name: "shop" };
  const request = { model, baseline: model, service, dataset: bundle, probes: 4, squeezers: [] };
  material = await loadMaterial({ ...request, store: root });
});
afterEach(() => rm(root, { recursive: true }));

/** Blocks whose every vector is one far from the reference's mean, until the first alarm. */
function driftAlarm(): AlarmEvidence {
  const { model, drift } = material;
  if (!drift) throw new Error("no reference");
  const sum = Float64Array.from(row(drift.blocks, 0), (value, j) => 40 * (j === 0 ? -value : value));
  let state = startFleet(material, first - 1, 1000);
  let trail: readonly TrailStep[] = [];
  for (let block = first; block < first + 60; block++) {
    const sketches = new Map([[drift.hash, { model, block, n: 40, sum }]]);
    const input: StepInput = {
      block,
      seen: { model, block, n: 40, scored: 0, flagged: 0, sketches },
      pods: { compared: 2, mismatched: 0 },
      settings,
    };
    const after = stepFleet(state, block, input.seen, input.pods, material, settings).state;
    trail = extendTrail(trail, { ...input, before: state, after });
    state = after;
    const evidence = evidenceOf(trail, material);
    if (evidence && evidence !== "Withheld") return evidence;
  }
  throw new Error("no alarm");
}
const keep = (evidence: AlarmEvidence) => store.putFiles(alarmsName("search", "shop"), evidenceFiles(evidence));

it("gives an alarm again from the store alone", async () => {
  const alarm = driftAlarm();
  const at = blockEnd(alarm.steps.at(-1)?.block ?? 0, 1000);
  expect(await recomputeEvidence(root, await keep(alarm))).toEqual(
    alarm.raised.map(({ signal, number }) => ({ signal, number, at, verdict: "Agrees" })),
  );
  expect(alarm.raised).toContainEqual({ signal: "RepresentationDrift", number: 1 });
});

it("does not agree with an alarm that its steps do not raise", async () => {
  const alarm = driftAlarm();
  const short = await recomputeEvidence(root, await keep({ ...alarm, steps: alarm.steps.slice(0, -1) }));
  expect(new Set(short.map(({ verdict }) => verdict))).toEqual(new Set(["Differs"]));
  const renumbered = alarm.raised.map(({ signal }) => ({ signal, number: 7 }));
  const again = await recomputeEvidence(root, await keep({ ...alarm, raised: renumbered }));
  expect(new Set(again.map(({ verdict }) => verdict))).toEqual(new Set(["Differs"]));
});

it("says what is missing: the model, or what the alarm was raised against", async () => {
  const alarm = driftAlarm();
  const unknown = await keep({ ...alarm, origin: null });
  await expect(recomputeEvidence(root, unknown)).rejects.toThrow(SketchMismatch);
  const other = await putBundle(store, 0, 2);
  const { origin } = alarm;
  const elsewhere = origin && { ...origin, model: { ...origin.model, uri: other } };
  await expect(recomputeEvidence(root, await keep({ ...alarm, origin: elsewhere }))).rejects.toThrow(SketchMismatch);
  const kept = await keep(alarm);
  await store.remove(bundle);
  await expect(recomputeEvidence(root, kept)).rejects.toMatchObject({ reason: "NotFound" });
});
