import { type Demo, expectThat, rolloutToItsEnd, runToItsEnd } from "../demo.ts";
import { prove } from "../prove.ts";
import type { ActRecord } from "../record.ts";
import { crookedScanner, mirroredFeeder } from "../shift.ts";
import { cycle } from "../traffic.ts";

/** The world changes: first within what the threat model foresaw, then beyond it. */
export async function drift(demo: Demo, record: ActRecord): Promise<void> {
  const { story, observer, traffic, images, random, pace } = demo;
  const signal = (name: string) => observer.view?.service.status.signals.find((status) => status.name === name);
  const next = cycle(images.traffic, random);
  const before = observer.view?.service.status.activeVersion;
  expectThat(before !== undefined, "the service has no active version");

  const calm = Date.now();
  story.say(`calm: ${pace.calm} s of ordinary traffic, and the model is measured meanwhile`);
  [record.quality.before] = await Promise.all([
    prove(demo, before?.uri ?? ""),
    pause(demo, pace.calm, "ordinary traffic"),
  ]);
  const onset = Date.now();
  record.falseAlarmsBeforeOnset = observer.alarms(["drift", "attack", "shift", "model"], calm, onset);
  record.times.onset = story.seconds();
  story.say(`the world changes: ${crookedScanner.name}, over ${pace.ramp} s`);
  traffic.draw(() => {
    const strength = Math.min(1, (Date.now() - onset) / (pace.ramp * 1000));
    return { pixels: crookedScanner.apply(next(), strength, random), kind: "benign" };
  });

  await observer.until("RepresentationDrift to fail", () => signal("drift")?.verdict === "Fail", pace.detectWithin);
  record.times.detection = story.seconds();
  const run = await runToItsEnd(demo, record, "Drift", onset);
  expectThat(run.status.phase === "Published", `the run ended ${run.status.phase}: ${run.status.message}`);
  const rollout = await rolloutToItsEnd(demo, record, run.status.modelVersion);
  expectThat(rollout.status.phase !== "RolledBack", `the rollout was rolled back: ${rollout.status.message}`);
  expectThat(observer.alarms(["attack"], onset, Date.now()) === 0, "the attack signal fired on a benign drift");

  story.say("the accepted slice of the new traffic is now in the new version's reference");
  await observer.until(
    "RepresentationDrift to pass again",
    () => signal("drift")?.verdict === "Pass",
    pace.detectWithin,
  );
  const baseline = signal("shift");
  record.facts["shiftFromBaseline"] = baseline?.verdict ?? "absent";
  story.say(`RepresentationDrift passes; ShiftFromBaseline says ${baseline?.verdict}: ${baseline?.message}`);
  expectThat(baseline?.verdict === "Fail", "ShiftFromBaseline forgot the shift");
  record.quality.after = await prove(demo, observer.view?.service.status.activeVersion?.uri ?? "");

  const second = Date.now();
  story.say(`a second change, outside every family: ${mirroredFeeder.name}`);
  traffic.draw(() => ({ pixels: mirroredFeeder.apply(next(), 1, random), kind: "benign" }));
  await observer.until(
    "RepresentationDrift to fail again",
    () => signal("drift")?.verdict === "Fail",
    pace.detectWithin,
  );
  const unproven = await runToItsEnd(demo, record, "Drift", second);
  expectThat(unproven.status.phase === "Rejected", `the second run ended ${unproven.status.phase}, not Rejected`);
  record.facts["secondRun"] = `${unproven.status.phase} ${unproven.status.reason}`;
  record.facts["signalAfterSecondRun"] = signal("drift")?.verdict ?? "absent";
  expectThat(signal("drift")?.verdict === "Fail", "the drift signal was declared normal after a rejected run");
  record.outcome = "promoted what was proven, rejected what was not";
}

/** Shows how the time passes. */
export async function pause(demo: Demo, seconds: number, what: string): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    demo.story.moving(`${what}: ${Math.ceil((end - Date.now()) / 1000)} s`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000, end - Date.now())));
  }
}
