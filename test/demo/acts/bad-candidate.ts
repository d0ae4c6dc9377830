import { createHash } from "node:crypto";
import { type Retraining, retraining } from "../../../src/api/index.ts";
import { retrainings } from "../../../src/kinds.ts";
import { defectiveBundle, poisonedDataset } from "../bad-inputs.ts";
import { type Demo, endedRun, expectThat, rolloutToItsEnd, told } from "../demo.ts";
import { addDust } from "../dust.ts";
import { names } from "../manifests.ts";
import { prove } from "../prove.ts";
import type { ActRecord } from "../record.ts";
import { crookedScanner } from "../shift.ts";
import { cycle } from "../traffic.ts";

/** Two candidates that must not get through: one that the gates see, one that only live traffic shows. */
export async function badCandidate(demo: Demo, record: ActRecord): Promise<void> {
  const { story, observer, traffic, images, random } = demo;
  const began = Date.now();
  const before = observer.view?.service.status.activeVersion;
  expectThat(before !== undefined, "the service has no active version");
  record.quality.before = await prove(demo, before?.uri ?? "");
  const last = observer.view?.runs.findLast(({ status }) => status.phase === "Published");
  if (!last) throw new Error("no published run to take the spec from");

  story.say("a poisoned run: its reference images were replaced by their negatives, and their labels drawn by lot");
  const poisoned = await byHand(demo, last, "poisoned", {
    dataset: { ...last.spec.dataset, reference: await poisonedDataset(demo) },
  });
  const rejected = await end(demo, poisoned);
  await told(demo, record, rejected);
  expectThat(
    rejected.status.phase === "Rejected",
    `the poisoned run ended ${rejected.status.phase}: ${rejected.status.message}`,
  );
  record.facts["poisonedRun"] = `${rejected.status.phase} ${rejected.status.reason}`;

  story.say("a bundle from elsewhere: the active model, with a unit that overflows when the image's corner is lit.");
  story.say("no image of the gates has a lit corner; from now on a third of the live ones has, by dust on the scanner");
  // ShiftFromBaseline fails with each new version, as the shift is still there.
  record.falseAlarmsBeforeOnset = observer.alarms(["drift", "attack", "model"], began, Date.now());
  record.times.onset = story.seconds();
  const next = cycle(images.traffic, random);
  traffic.draw(() => {
    const pixels = crookedScanner.apply(next(), 1, random);
    return { pixels: random() < 1 / 3 ? addDust(pixels) : pixels, kind: "benign" };
  });
  const bundle = await defectiveBundle(demo, before?.uri ?? "");
  const answer = JSON.stringify({ kind: "Train", bundle });
  const prebuilt = await byHand(demo, last, "prebuilt", {
    trainer: {
      ...last.spec.trainer,
      image: demo.stage.image,
      command: ["sh", "-c", 'printf %s "$0" > "${EVENKEEL_RESULT_FILE:-/dev/termination-log}"', answer],
    },
  });
  record.times.retraining = story.seconds();
  const published = await end(demo, prebuilt);
  record.times.gates = story.seconds();
  await told(demo, record, published);
  expectThat(
    published.status.phase === "Published",
    `the prebuilt bundle did not pass the gates: ${published.status.message}`,
  );
  const rollout = await rolloutToItsEnd(demo, record, published.status.modelVersion);
  record.times.detection = story.seconds();
  expectThat(
    rollout.status.phase === "RolledBack",
    `the defective version was not rolled back: ${rollout.status.phase}`,
  );
  record.facts["rollbackReason"] = `${rollout.status.reason}: ${rollout.status.message}`;
  const after = observer.view?.service.status.activeVersion;
  expectThat(after?.digest === before?.digest, "the active version changed");
  record.quality.after = await prove(demo, after?.uri ?? "");
  record.outcome = "rejected by a gate, rolled back by the analysis";
}

/** A run that a person makes: it skips only the cooldown (decision 36). */
async function byHand(
  demo: Demo,
  like: Retraining,
  name: string,
  change: Partial<Retraining["spec"]>,
): Promise<string> {
  const { service } = demo.observer.view ?? {};
  const parent = service?.status.activeVersion;
  const spec: Retraining["spec"] = {
    ...like.spec,
    // A person who brings a candidate asks that it is no worse, not that it is better.
    gates: like.spec.gates.map((gate) =>
      gate.test === "Superiority" ? { ...gate, test: "NonInferiority", margin: 0.05 } : gate,
    ),
    ...(parent && { parent: { digest: parent.digest, uri: parent.uri } }),
    cause: {
      id: createHash("sha256").update(`${name} ${Date.now()}`).digest("hex").slice(0, 16),
      class: "Manual",
      trigger: name,
      value: null,
      threshold: null,
      query: "",
      at: new Date().toISOString(),
      dataDigest: "",
      generation: 0,
    },
    ...change,
  };
  delete spec.traffic;
  const { metadata } = await demo.kube.create(
    retrainings,
    retraining.parse({
      apiVersion: "evenkeel.dev/v1alpha1",
      kind: "Retraining",
      metadata: { name: `${names.service}-${name}`, namespace: names.namespace },
      spec,
    }),
  );
  return metadata.name;
}

function end(demo: Demo, name: string): Promise<Retraining> {
  return demo.observer.until(`${name} to end`, ({ runs }) => endedRun(runs, name), demo.pace.trainWithin);
}
