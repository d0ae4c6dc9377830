import {
  type EmbeddingService,
  finishedPhases,
  type ModelRollout,
  type ModelVersion,
  modelIdentity,
  type Retraining,
} from "../../api/index.ts";
import { names } from "../identity.ts";
import type { Observed } from "./world.ts";

/** Objects of a service that nobody needs any more. */
export type Outdated = {
  readonly runs: readonly Retraining[];
  readonly rollouts: readonly ModelRollout[];
  readonly versions: readonly ModelVersion[];
};

export type History = Pick<Observed, "service" | "runs" | "rollouts" | "versions">;

/**
 * What is beyond `historyLimit`: finished runs and rollouts by when they ended, versions by when they were made. What the
 * saved status names stays however old it is: a run is named until the ledger has its GPU time, which is one write with
 * its going. So does a run or a rollout whose decisions are still on their way into the audit chain.
 */
export function outdated({ service, runs, rollouts, versions }: History): Outdated {
  const { historyLimit } = service.spec;
  const { retraining, rollout } = service.status;
  const inUse = new Set([...versionsOf(service), ...rollouts.filter((move) => !isOver(move)).flatMap(endsOf)]);
  const oldRuns = runs
    .filter(({ status }) => finishedPhases.has(status.phase))
    .toSorted(newestEndFirst)
    .slice(historyLimit)
    .filter(({ metadata }) => metadata.name !== retraining?.name && metadata.name !== rollout?.retraining)
    .filter(({ status }) => !inUse.has(status.modelVersion) && status.decisions.length === 0);
  const oldRollouts = rollouts
    .filter(isOver)
    .toSorted(newestEndFirst)
    .slice(historyLimit)
    .filter(({ metadata, status }) => metadata.name !== rollout?.name && status.decisions.length === 0);
  const named = new Set([
    ...inUse,
    ...without(runs, oldRuns).flatMap(namedByRun),
    ...without(rollouts, oldRollouts).flatMap(endsOf),
  ]);
  const oldVersions = versions
    .toSorted((a, b) => (madeAt(a) < madeAt(b) ? 1 : -1))
    .slice(historyLimit)
    .filter(({ metadata }) => !named.has(metadata.name));
  return { runs: oldRuns, rollouts: oldRollouts, versions: oldVersions };
}

function versionsOf({ status }: EmbeddingService): string[] {
  const { activeVersion, baselineVersion, firstVersion, rollout } = status;
  return [activeVersion, baselineVersion, firstVersion, rollout?.to].flatMap((model) => model?.name ?? []);
}

function isOver({ status: { phase } }: ModelRollout): boolean {
  return phase === "Promoted" || phase === "RolledBack";
}

function endsOf({ spec: { from, to } }: ModelRollout): string[] {
  return [from.version, to.version];
}

function namedByRun({ spec: { serviceRef, parent, baseline }, status: { bundle } }: Retraining): string[] {
  const made = bundle === "" ? [] : [modelIdentity(bundle).digest];
  return [parent.digest, baseline.digest, ...made].map((digest) => names.modelVersion(serviceRef.name, digest));
}

type Ended = Retraining | ModelRollout;

function newestEndFirst(a: Ended, b: Ended): number {
  return endedAt(a) < endedAt(b) ? 1 : -1;
}

function endedAt(object: Ended): string {
  return `${object.status.finishedAt ?? ""} ${madeAt(object)}`;
}

function madeAt({ metadata: { creationTimestamp = "", name } }: Ended | ModelVersion): string {
  return `${creationTimestamp} ${name}`;
}

function without<Item>(all: readonly Item[], gone: readonly Item[]): Item[] {
  return all.filter((item) => !gone.includes(item));
}
