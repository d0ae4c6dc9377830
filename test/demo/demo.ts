import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { finishedPhases, type ModelRollout, type Retraining, type StoreUri, storeUri } from "../../src/api/index.ts";
import type { Kube } from "../../src/kube/index.ts";
import type { Images, Part } from "./mnist.ts";
import type { Observer } from "./observer.ts";
import { type ActRecord, addRollout, addRun } from "./record.ts";
import type { Stage } from "./stage/stage.ts";
import type { Story } from "./story.ts";
import type { Traffic } from "./traffic.ts";

/** What every act has at hand. */
export interface Demo {
  readonly stage: Stage;
  readonly story: Story;
  readonly observer: Observer;
  readonly traffic: Traffic;
  readonly images: Readonly<Record<Part, Images>>;
  /** the user's client: the role `edit` in one namespace and nothing more */
  readonly kube: Kube;
  readonly random: () => number;
  /** the first model: its index is the old index of every figure */
  readonly first: StoreUri;
  readonly dir: string;
  readonly pace: Pace;
}

/** Seconds of the demo's own waiting; the service's times are in `manifests.ts`. */
export type Pace = {
  readonly calm: number;
  readonly ramp: number;
  readonly detectWithin: number;
  readonly trainWithin: number;
  readonly rolloutWithin: number;
};

/** The run of this name, once it has ended. */
export function endedRun(runs: readonly Retraining[], name: string): Retraining | undefined {
  return runs.find(({ metadata, status }) => metadata.name === name && finishedPhases.has(status.phase));
}

/** Waits for the next run of a class, to its end. */
export async function runToItsEnd(
  demo: Demo,
  record: ActRecord,
  cause: Retraining["spec"]["cause"]["class"],
  since: number,
): Promise<Retraining> {
  const { observer, story, pace } = demo;
  const made = await observer.until(
    `a retraining for a cause of class ${cause}`,
    ({ runs }) =>
      runs.find(
        ({ spec, metadata }) =>
          spec.cause.class === cause && Date.parse(metadata.creationTimestamp ?? "") >= since - 1000,
      ),
    60,
  );
  record.times.retraining ??= story.seconds();
  const run = await observer.until(
    `${made.metadata.name} to end`,
    ({ runs }) => endedRun(runs, made.metadata.name),
    pace.trainWithin,
  );
  record.times.gates ??= story.seconds();
  await told(demo, record, run);
  return run;
}

/** Waits for the rollout of a version until the workload serves it, or it was rolled back. */
export async function rolloutToItsEnd(demo: Demo, record: ActRecord, version: string): Promise<ModelRollout> {
  const { observer, story, pace } = demo;
  const rollout = await observer.until(
    `the rollout of ${version} to end`,
    ({ rollouts }) =>
      rollouts.find(
        ({ spec, status }) =>
          spec.to.version === version && ["Watching", "Promoted", "RolledBack"].includes(status.phase),
      ),
    pace.rolloutWithin,
  );
  if (rollout.status.phase !== "RolledBack") {
    await observer.until(
      `${version} to be the active version`,
      ({ service }) => service.status.activeVersion?.name === version,
      30,
    );
    record.times.promotion ??= story.seconds();
  }
  addRollout(record, rollout);
  return rollout;
}

/** Notes a run that has ended, and tells its gates and where its report is. */
export async function told(demo: Demo, record: ActRecord, run: Retraining): Promise<void> {
  addRun(record, run);
  tellGates(demo.story, run);
  if (run.status.report === "") return;
  const report = await demo.stage.artefact(storeUri.parse(run.status.report));
  demo.story.say(`report      ${pathToFileURL(join(report, "report.html")).href}`);
}

function tellGates(story: Story, { status }: Retraining): void {
  for (const gate of status.gates) {
    const line = `gate ${gate.name}: ${number(gate.value)} (bound ${number(gate.bound)}, n ${gate.n}) ${gate.verdict}${gate.message ? ` — ${gate.message}` : ""}`;
    if (gate.verdict === "Pass" || gate.verdict === "Warn") story.good(line);
    else story.bad(line);
  }
}

function number(value: number | null): string {
  return value === null ? "—" : value.toFixed(3);
}

/** Why an act went another way than it should. */
export class NotAsExpected extends Error {
  override readonly name = "NotAsExpected";
}

export function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new NotAsExpected(otherwise);
}
