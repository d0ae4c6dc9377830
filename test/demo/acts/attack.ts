import { craft } from "../craft.ts";
import { type Demo, expectThat, rolloutToItsEnd, runToItsEnd } from "../demo.ts";
import { prove } from "../prove.ts";
import { quarantined } from "../quarantined.ts";
import type { ActRecord } from "../record.ts";
import { crookedScanner } from "../shift.ts";
import { cycle } from "../traffic.ts";
import { pause } from "./drift.ts";

const attackShare = 0.35;

/** Somebody crafts inputs against the deployed model, with its weights in hand. */
export async function attack(demo: Demo, record: ActRecord): Promise<void> {
  const { story, observer, traffic, images, random, pace } = demo;
  const signal = (name: string) => observer.view?.service.status.signals.find((status) => status.name === name);
  const before = observer.view?.service.status.activeVersion;
  const next = cycle(images.traffic, random);
  const benign = () => ({ pixels: crookedScanner.apply(next(), 1, random), kind: "benign" }) as const;
  traffic.draw(benign);
  story.say("the attacker crafts inputs white-box against the deployed model, and drift goes on meanwhile");
  const crafted = cycle(await craft(demo, before?.uri ?? ""), random);
  record.quality.before = await prove(demo, before?.uri ?? "");

  const calm = Date.now();
  await pause(demo, pace.calm, "traffic without attacks");
  const onset = Date.now();
  record.falseAlarmsBeforeOnset = observer.alarms(["attack"], calm, onset);
  record.times.onset = story.seconds();
  story.say(`${Math.round(attackShare * 100)}% of requests are now adversarial`);
  traffic.draw(() => (random() < attackShare ? { pixels: crafted(), kind: "attack" } : benign()));

  await observer.until("AdversarialAnomaly to fail", () => signal("attack")?.verdict === "Fail", pace.detectWithin);
  record.times.detection = story.seconds();
  record.facts["driftVerdictMeanwhile"] = signal("drift")?.verdict ?? "absent";
  await observer.until("protection to be on", ({ service }) => service.status.protection?.active === true, 30);
  record.facts["secondsFromDetectionToProtection"] = Math.round((story.seconds() - record.times.detection) * 10) / 10;
  traffic.reset();
  await pause(demo, 8, "protected traffic is counted");
  const { attacks, caught, benign: ordinary, hit } = traffic.tally;
  record.facts["attacksTaggedShare"] = attacks > 0 ? caught / attacks : Number.NaN;
  record.facts["benignTaggedShare"] = ordinary > 0 ? hit / ordinary : Number.NaN;
  story.say(`tagged inline: ${caught} of ${attacks} attack requests, ${hit} of ${ordinary} benign ones`);
  expectThat(caught > hit, "protection tags benign requests rather than attacks");

  const run = await runToItsEnd(demo, record, "Attack", onset);
  expectThat(run.spec.traffic === undefined, "an attack's run was given captured traffic to train on");
  expectThat(run.status.phase === "Published", `the run ended ${run.status.phase}: ${run.status.message}`);
  traffic.draw(benign);
  const captured = await quarantined(demo);
  record.facts["capturedInAttack"] = captured.set;
  record.facts["capturedInAll"] = captured.all;
  story.say(`quarantined: ${captured.set} of ${captured.all} captured inputs came while the attack was on`);
  expectThat(captured.set > 0, "nothing that was captured in the attack is known as such");
  const rollout = await rolloutToItsEnd(demo, record, run.status.modelVersion);
  expectThat(rollout.status.phase !== "RolledBack", `the rollout was rolled back: ${rollout.status.message}`);
  record.quality.after = await prove(demo, observer.view?.service.status.activeVersion?.uri ?? "");
  const { before: old, after: now } = record.quality;
  expectThat((now?.robust ?? 0) > (old?.robust ?? 1), `robust accuracy went from ${old?.robust} to ${now?.robust}`);
  record.outcome = "protected at once, hardened, rolled out";
}
