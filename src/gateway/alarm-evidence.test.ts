import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeWith } from "../../test/harness/store-with.ts";
import { buildReference, matrixOf, type Reference, seededRandom } from "../monitor/index.ts";
import { openStore, type Store } from "../registry/index.ts";
import { alarmsName, evidenceFiles, readEvidence } from "./alarm-evidence.ts";
import {
  type AlarmEvidence,
  evidenceOf,
  extendTrail,
  longestTrail,
  recomputeAlarms,
  type StepInput,
  type TrailStep,
} from "./alarm-trail.ts";
import { EvidenceLog, keptAlarms } from "./evidence-log.ts";
import { type FleetSettings, type FleetState, startFleet, stepFleet } from "./fleet-monitor.ts";
import { decodeState, encodeState } from "./fleet-state.ts";
import { type Material, noMaterial } from "./material.ts";

const d = 6;
const model = `sha256:${"a".repeat(64)}`;
const random = seededRandom(5);
const gaussians = (shift: number): Float64Array => Float64Array.from({ length: d }, () => shift + random.gaussian());
const referenceOf = (seed: number): Reference => {
  const embeddings = matrixOf(Array.from({ length: 6000 }, () => Float32Array.from(gaussians(0))));
  return buildReference({ model, inputs: "x", embeddings, seed });
};
const [drift, baseline] = [referenceOf(3), referenceOf(4)];
const material: Material = { ...noMaterial(model, ""), drift, baseline };
const settings: FleetSettings = {
  threshold: 1000,
  minVectors: 30,
  minShare: 0.1,
  shareWindow: 10,
  minScored: 30,
  protecting: false,
};
const steady = { compared: 2, mismatched: 0 };

type Seen = NonNullable<StepInput["seen"]>;

/** A block of `n` vectors whose mean lies `shift` from the reference's. */
function seenAt(block: number, shift: number, n = 40, flags = { scored: 40, flagged: 0 }): Seen {
  const sum = new Float64Array(d);
  for (let i = 0; i < n; i++) gaussians(shift).forEach((value, j) => (sum[j] = (sum[j] ?? 0) + value));
  const sums = [drift, baseline].map(({ hash }) => [hash, { model, block, n, sum }] as const);
  return { model, block, n, ...flags, sketches: new Map(sums) };
}

function follow(
  state: FleetState,
  inputs: readonly (Pick<StepInput, "block" | "seen"> & Partial<StepInput>)[],
  begun: readonly TrailStep[] = [],
) {
  let trail = begun;
  const alarms: (AlarmEvidence | "Withheld")[] = [];
  for (const { block, seen, pods = steady, settings: own = settings } of inputs) {
    const before = trail.at(-1)?.after ?? state;
    const { state: after } = stepFleet(before, block, seen, pods, material, own);
    trail = extendTrail(trail, { block, seen, pods, settings: own, before, after });
    const evidence = evidenceOf(trail, material);
    if (evidence) alarms.push(evidence);
  }
  return { trail, alarms };
}

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "evidence-"));
  store = openStore(folder);
});
afterEach(() => rm(folder, { recursive: true }));

async function kept(evidence: AlarmEvidence): Promise<AlarmEvidence> {
  const uri = await store.putFiles("alarms/ns/svc", evidenceFiles(evidence));
  return await readEvidence(await store.resolve(uri), material);
}

const first = 1_000;
const shifting = (quiet: number, shifted: number) =>
  Array.from({ length: quiet + shifted }, (_, i) => ({
    block: first + i,
    seen: seenAt(first + i, i < quiet ? 0 : 1),
  }));

describe("the evidence of an alarm", () => {
  it("gives the drift's alarm again, and none without its last block or with other sums", async () => {
    const { alarms } = follow(startFleet(material, first - 1, 1000), shifting(50, 30));
    const [alarm] = alarms;
    if (!alarm || alarm === "Withheld") throw new Error("no alarm");
    const evidence = await kept(alarm);
    expect(evidence).toEqual(alarm);
    expect(evidence.steps).toHaveLength(longestTrail);
    expect(evidence.raised.length).toBeGreaterThan(0);
    const again = recomputeAlarms(evidence, material);
    for (const { signal, number } of evidence.raised) {
      expect(again[signal]).toEqual({ number, active: true });
      const shorter = recomputeAlarms({ ...evidence, steps: evidence.steps.slice(0, -1) }, material);
      expect(shorter[signal]).toEqual({ number: number - 1, active: false });
    }
    const quiet = evidence.steps.map((step) => ({ ...step, seen: seenAt(step.block, 0) }));
    expect(recomputeAlarms({ ...evidence, steps: quiet }, material)).toEqual(evidence.before.alarms);
  });

  it("gives it again after a takeover, from the state that was read then", async () => {
    const inputs = shifting(20, 30);
    const { trail } = follow(startFleet(material, first - 1, 1000), inputs.slice(0, 25));
    const saved = trail.at(-1)?.after ?? startFleet(material, 0, 1000);
    const { state } = decodeState(encodeState(saved, null), material, 0, 1000);
    const [alarm] = follow(state, inputs.slice(25)).alarms;
    if (!alarm || alarm === "Withheld") throw new Error("no alarm");
    const evidence = await kept(alarm);
    expect(evidence.before).toEqual(state);
    const again = recomputeAlarms(evidence, material);
    for (const { signal, number } of evidence.raised) expect(again[signal]).toEqual({ number, active: true });
  });

  it.each([
    ["AdversarialAnomaly", { seen: seenAt(first + 1, 0, 40, { scored: 40, flagged: 30 }) }],
    ["AdversarialAnomaly", { seen: seenAt(first + 1, 0, 10, { scored: 40, flagged: 30 }) }],
    ["ModelChanged", { seen: null, pods: { compared: 2, mismatched: 1 } }],
    ["ModelChanged", { seen: null, pods: { compared: 2, mismatched: 1 }, settings: { ...settings, protecting: true } }],
  ])("gives %s again", async (signal, input) => {
    const before = [{ block: first, seen: seenAt(first, 0) }];
    const { alarms } = follow(startFleet(material, first - 1, 1000), [...before, { block: first + 1, ...input }]);
    const [alarm] = alarms;
    if (!alarm || alarm === "Withheld") throw new Error("no alarm");
    const evidence = await kept(alarm);
    expect(evidence.raised).toEqual([{ signal, number: 1 }]);
    expect(recomputeAlarms(evidence, material)).toMatchObject({ [signal]: { number: 1, active: true } });
  });

  it("is refused with another model's material, or another reference", async () => {
    const { alarms } = follow(startFleet(material, first - 1, 1000), shifting(5, 30));
    const [alarm] = alarms;
    if (!alarm || alarm === "Withheld") throw new Error("no alarm");
    const at = await store.resolve(await store.putFiles("alarms/ns/svc", evidenceFiles(alarm)));
    const other = `sha256:${"b".repeat(64)}`;
    await expect(readEvidence(at, { ...material, model: other })).rejects.toThrow(/of model sha256:a/);
    await expect(readEvidence(at, { ...material, baseline: null })).rejects.toThrow(baseline.hash);
  });
});

describe("a trail", () => {
  const start = startFleet(material, first - 1, 1000);

  it("ends with what did not lead to the next step", () => {
    const { trail } = follow(start, shifting(3, 0));
    expect(trail).toHaveLength(3);
    const next = shifting(4, 0).slice(3);
    expect(follow(start, next, trail).trail).toHaveLength(4);
    const last = trail.at(-1);
    if (!last) throw new Error("no step");
    const readAgain = { ...last, after: decodeState(encodeState(last.after, null), material, 0, 1000).state };
    const step = follow(readAgain.after, next).trail;
    expect(step.reduce(extendTrail, trail)).toHaveLength(1);
  });

  it("tells of no sum of fewer than 32 vectors, and is not silent about an alarm that it keeps back", () => {
    const [few, many] = [31, 40].map((n) => ({ block: first + (n === 31 ? 1 : 2), seen: seenAt(first, 0, n) }));
    if (!few || !many) throw new Error("no block");
    const own = { ...few, settings, pods: steady };
    const { trail } = follow(start, [{ block: first, seen: seenAt(first, 0) }, own, many]);
    expect(trail.map(({ block }) => block)).toEqual([first + 2]);
    const alarming = { ...own, pods: { compared: 1, mismatched: 1 } };
    expect(follow(start, [alarming]).alarms).toEqual(["Withheld"]);
  });
});

describe("EvidenceLog", () => {
  const evidence = (number: number): AlarmEvidence => ({
    origin: null,
    raised: [{ signal: "ModelChanged", number }],
    before: startFleet(material, first - 1, 1000),
    steps: [],
  });
  const name = alarmsName("ns", "svc");

  it("writes each alarm once, tries again what the store did not take, and keeps the newest", async () => {
    const faults: unknown[] = [];
    let refuses = true;
    const refusing = storeWith(store, {
      putFiles: (to, files) => (refuses ? Promise.reject(new Error("full")) : store.putFiles(to, files)),
    });
    const log = new EvidenceLog({
      store: refusing,
      namespace: "ns",
      service: "svc",
      onFault: (error) => faults.push(error),
    });
    log.note([evidence(1)]);
    await log.settled();
    expect(faults.map(String)).toEqual(["Error: full"]);
    refuses = false;
    log.note([]);
    await log.settled();
    expect(await store.list(name)).toHaveLength(1);
    for (let number = 2; number <= keptAlarms + 2; number++) {
      log.note([evidence(number)]);
      await log.settled();
    }
    const left = await store.list(name);
    expect(left).toHaveLength(keptAlarms);
    const newest = await readEvidence(await store.resolve(left.at(-1) ?? "store://x@sha256:0"), material);
    expect(newest.raised).toEqual([{ signal: "ModelChanged", number: keptAlarms + 2 }]);
  });
});
