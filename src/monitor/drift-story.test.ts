import { expect, it } from "vitest";
import { type Alarm, driftAlarm, noAlarm } from "./alarm.ts";
import { type DetectorState, startDetector, stepDetector } from "./e-detector.ts";
import { matrixOf } from "./matrix.ts";
import { type Random, seededRandom } from "./random.ts";
import { buildReference, type Reference } from "./reference.ts";
import { blockStatistics, decodeSketch, encodeSketch, mergeSketches, sketcher } from "./sketch.ts";
import { topicVector } from "./traffic.fixture.ts";

const d = 12;
const settings = { threshold: 1e4, minVectors: 30 };
type Watch = { reference: Reference; state: DetectorState; alarm: Alarm };

function referenceOf(random: Random, shift: number): Reference {
  const embeddings = matrixOf(Array.from({ length: 1500 }, () => topicVector(d, random, { shift })));
  return buildReference({ model: "m", inputs: `shift ${shift}`, embeddings, blockSize: 8, seed: 1 });
}
const watch = (reference: Reference, alarm: Alarm): Watch => ({ reference, state: startDetector(reference), alarm });

/** Two gateways see 40 vectors each; the one with the lease merges what the other exports, and steps. */
function stepFleet(watches: readonly Watch[], block: number, random: Random, shift: number): Watch[] {
  const [accepted] = watches;
  if (!accepted) return [];
  const { start, add } = sketcher(accepted.reference);
  const [own, other] = [start(block), start(block)];
  for (let i = 0; i < 40; i++) {
    add(own, topicVector(d, random, { shift }));
    add(other, topicVector(d, random, { shift }));
  }
  const merged = blockStatistics(mergeSketches(own, decodeSketch(encodeSketch(other), accepted.reference)));
  return watches.map(({ reference, state, alarm }) => {
    const step = stepDetector(state, merged, reference, settings);
    return { reference, state: step.state, alarm: driftAlarm(alarm, step) };
  });
}

it("a drift latches both signals; accepting it quiets the one, and only its end quiets the other", () => {
  const random = seededRandom(3);
  const baseline = referenceOf(random, 0);
  let watches = [watch(baseline, noAlarm), watch(baseline, noAlarm)];
  let block = 0;
  const run = (blocks: number, shift: number): (Alarm | undefined)[] => {
    for (let i = 0; i < blocks; i++) watches = stepFleet(watches, block++, random, shift);
    return watches.map(({ alarm }) => alarm);
  };

  expect(run(60, 0)).toEqual([noAlarm, noAlarm]);

  const raised = { number: 1, active: true };
  expect(run(120, 0.8)).toEqual([raised, raised]);
  // Still there, blocks later, under the same number.
  expect(run(150, 0.8)).toEqual([raised, raised]);

  // A promotion with the drifted slice in its reference: a fresh detector, the alarm's number kept.
  const accepted = referenceOf(random, 0.8);
  watches = [watch(accepted, { number: 1, active: false }), ...watches.slice(1)];
  expect(run(130, 0.8)).toEqual([{ number: 1, active: false }, raised]);

  // The traffic turns back: news for the accepted reference, the end of the shift for the baseline.
  expect(run(300, 0)).toEqual([
    { number: 2, active: true },
    { number: 1, active: false },
  ]);
});
