import {
  exitCodes,
  mostQuarantined,
  type StoreUri,
  type TrainRequest,
  type TrainResult,
  trainResult,
} from "../api/index.ts";
import { disposeWeights, type Encoder, embedAll, loadEncoder, startBackend } from "../model/index.ts";
import {
  BundleError,
  type Dataset,
  DatasetError,
  elements,
  parseUri,
  readDataset,
  readDescription,
  readTraffic,
  type Store,
  StoreError,
  storedResult,
  storeResult,
  takeRows,
} from "../registry/index.ts";
import { baselineShift } from "./baseline-shift.ts";
import { type BundleContent, bundleFiles, calibrateConsistency } from "./bundle-files.ts";
import { removeCheckpoint } from "./checkpoint.ts";
import { benignFamilies, UnfitPerturbation } from "./perturbations/index.ts";
import { type PreparedData, prepareData } from "./prepared-data.ts";
import { inputSpace, planTraining, runIdentity } from "./presets.ts";
import { admitTraffic } from "./quarantine.ts";
import { stream } from "./streams.ts";
import { Diverged, Interrupted, type Progress, train } from "./trainer.ts";

export type RunHooks = {
  readonly onProgress?: (progress: Progress) => void;
  /** a line for people */
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
};

export type Outcome = { readonly result: TrainResult; readonly exitCode: number };

const resultFile = "train.json";

/**
 * Does what a training request asks and stores the new bundle. A run that was done before answers again without any work
 * (decision 26), unless it was asked something else; one that was interrupted goes on from its checkpoint.
 *
 * @throws {Interrupted} when the signal stopped it: the container is to be started again
 */
export async function runTraining(request: TrainRequest, store: Store, hooks: RunHooks = {}): Promise<Outcome> {
  const done = await storedResult(store.runs, request, resultFile, trainResult);
  if (done) {
    hooks.say?.(`run ${request.run} is done already: its result is given again`);
    return { result: done, exitCode: exitCodes.done };
  }
  try {
    await Promise.all([store.tryWriting(parseUri(request.parent.uri).name), store.runs.tryWriting(request.run)]);
    const result = await trainNow(request, store, hooks);
    await storeResult(store.runs, request, resultFile, result);
    await removeCheckpoint({ runs: store.runs, run: request.run });
    return { result, exitCode: exitCodes.done };
  } catch (error) {
    const failure = failureOf(error);
    if (!failure) throw error;
    const { exitCode, reason } = failure;
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 1500);
    return { result: { kind: "Train", error: { reason, message } }, exitCode };
  }
}

async function trainNow(request: TrainRequest, store: Store, hooks: RunHooks): Promise<TrainResult> {
  const say = hooks.say ?? (() => undefined);
  const backend = await startBackend();
  say(`backend: ${backend.description}`);
  const parent = await loadEncoder(await store.resolve(request.parent.uri));
  const dataset = await readDataset(await store.resolve(request.dataset.reference));
  checkFits(dataset, parent, "dataset.reference");
  const data = prepareData(dataset);
  const { train: kept, control, calibration, duplicates } = data;
  say(
    `data: ${kept.count} inputs to train on, ${control.count} to steer by, ${calibration.count} for the reference; ` +
      `${duplicates.exact} exact and ${duplicates.near} near duplicates removed`,
  );
  const { traffic, ...facts } = await admit(request, store, parent, data, say);
  const ownSamples = traffic?.snapshot === request.traffic ? traffic?.samples : undefined;
  const shift = ownSamples ? await baselineShift(request, store, parent, ownSamples, say) : null;

  const { recipe, initial, settings } = planTraining(request, parent, data);
  const identity = runIdentity(request, backend.name);
  const checkpoint = { runs: store.runs, run: request.run, identity };
  const { onProgress, signal } = hooks;
  const trained = await train(parent.network, initial, recipe, settings, {
    checkpoint,
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });

  const encoder = { network: parent.network, weights: trained.weights };
  const { dataset: refs, perturbations, seed } = request;
  const content: BundleContent = {
    encoder,
    calibration,
    benign: benignFamilies(perturbations, inputSpace(data)),
    log: trained.log,
    description: {
      modality: dataset.modality,
      parent: request.parent.digest,
      retraining: request.run,
      seed,
      steps: trained.steps,
      backend: backend.name,
      reference: {
        dataset: refs.reference,
        count: calibration.count,
        ...(traffic && traffic.samples.count > 0 && { traffic: traffic.snapshot, ...oldestOf(traffic.samples) }),
      },
    },
    ...(traffic && { traffic }),
  };
  const bundle = await store.putFiles(parseUri(request.parent.uri).name, bundleFiles(content));
  disposeWeights(trained.weights);
  return {
    kind: "Train",
    bundle,
    steps: trained.steps,
    backend: backend.name,
    ...facts,
    ...(shift !== null && { baselineShift: shift }),
  };
}

/** Later runs take what was accepted from the same snapshot, as far as it is left. */
function oldestOf({ times }: Dataset): { trafficSince?: number } {
  return times && times.length > 0
    ? { trafficSince: Math.floor(times.reduce((oldest, time) => Math.min(oldest, time))) }
    : {};
}

type Admitted = {
  readonly snapshot: StoreUri;
  readonly samples: Dataset;
  readonly keyed: boolean;
};

type Snapshot = {
  readonly snapshot: StoreUri;
  readonly traffic: Dataset;
  /** Time of the oldest sample that was accepted, ms; null when that is to be found. */
  readonly since: number | null;
};

/** What enters the new reference, null where no traffic is used, and what the run's answer says of it. */
type Use = { readonly traffic: Admitted | null } & Pick<TrainResult, "quarantined" | "trafficAdmitted" | "note">;

/**
 * The snapshot that the request brings, unless too much of it was set aside. Otherwise what the parent's reference was
 * accepted with: each run without traffic of its own would forget it, and raise the alarm for it again.
 */
async function admit(
  request: TrainRequest,
  store: Store,
  parent: Encoder,
  data: PreparedData,
  say: (line: string) => void,
): Promise<Use> {
  const own = await ownTraffic(request, store, say);
  const admitted = own && own !== "Gone" ? score(own) : null;
  const facts = {
    ...(admitted && { quarantined: admitted.quarantined, trafficAdmitted: admitted.traffic.samples.count }),
    ...(own === "Gone" && { note: ownPastItsTtl }),
  };
  if (admitted && admitted.quarantined <= mostQuarantined) return { traffic: admitted.traffic, ...facts };
  const accepted = await acceptedTraffic(request, store, say);
  if (accepted === "None") return { traffic: null, ...facts };
  if (accepted === "Gone") {
    say(`traffic: ${pastItsTtl}`);
    return { traffic: null, ...facts, note: own === "Gone" ? `${ownPastItsTtl}; ${pastItsTtl}` : pastItsTtl };
  }
  say("traffic: what the parent's reference was accepted with");
  return { traffic: score(accepted).traffic, ...facts };

  function score({ snapshot, traffic, since }: Snapshot): { traffic: Admitted; quarantined: number } {
    checkFits(traffic, parent, "traffic");
    const { calibration } = data;
    const benign = benignFamilies(request.perturbations, inputSpace(data));
    const embeddings = embedAll(parent, calibration.inputs);
    const scores = calibrateConsistency(parent, calibration, embeddings, benign, request.seed);
    const random = stream(request.seed, "reference", 1);
    const { rows, before, quarantined, keyed } = admitTraffic(
      parent,
      traffic,
      scores,
      since,
      calibration.count,
      random,
    );
    say(
      `traffic: ${rows.length} of ${traffic.count} captured samples enter the new reference, ` +
        `${(100 * quarantined).toFixed(1)} % quarantined, ${before} came before its last change`,
    );
    return { traffic: { snapshot, samples: takeRows(traffic, rows), keyed }, quarantined };
  }
}

/** Traffic of an attack is never used (decision 12). */
async function ownTraffic(
  { traffic, causeClass }: TrainRequest,
  store: Store,
  say: (line: string) => void,
): Promise<Snapshot | "Gone" | null> {
  if (traffic === undefined) return null;
  if (causeClass === "Attack") {
    say("traffic: not used, because the cause is an attack");
    return null;
  }
  try {
    return { snapshot: traffic, traffic: await readTraffic(store, traffic), since: null };
  } catch (error) {
    if (isGone(error)) {
      say(`traffic: ${ownPastItsTtl}`);
      return "Gone";
    }
    if (!isAttacked(error)) throw error;
    say("traffic: all of it was captured during an attack: it is not used");
    return null;
  }
}

const ownPastItsTtl =
  "the traffic of this run is past its TTL: none of it enters the new reference; raise dataset.traffic.ttl above the time " +
  "that runs wait and train";

function isGone(error: unknown): boolean {
  return error instanceof StoreError && error.reason === "NotFound";
}

function isAttacked(error: unknown): boolean {
  return error instanceof DatasetError && error.reason === "Attacked";
}

const pastItsTtl =
  "the traffic that the parent's reference was accepted with is past its TTL: the new reference is without it, and " +
  "RepresentationDrift may alarm for it again; raise dataset.traffic.ttl or put labelled data of it into dataset.reference";

/** What has outlived its TTL is gone, whoever would need it. */
async function acceptedTraffic(
  { parent }: TrainRequest,
  store: Store,
  say: (line: string) => void,
): Promise<Snapshot | "None" | "Gone"> {
  const { reference } = await readDescription(await store.resolve(parent.uri));
  if (!reference?.traffic) return "None";
  try {
    const traffic = await readTraffic(store, reference.traffic);
    return { snapshot: reference.traffic, traffic, since: reference.trafficSince ?? null };
  } catch (error) {
    if (isAttacked(error)) {
      say("traffic: what the parent's reference was accepted with was captured during an attack: it is not used");
      return "None";
    }
    if (!isGone(error)) throw error;
    return "Gone";
  }
}

function checkFits(dataset: Dataset, { network }: Encoder, what: string): void {
  const { inputShape } = network;
  if (elements(dataset.shape) === elements(inputShape) && dataset.shape.every((side, i) => side === inputShape[i]))
    return;
  throw new DatasetError(
    "Malformed",
    `${what}: inputs have shape [${dataset.shape.join(", ")}], the model takes [${inputShape.join(", ")}]`,
  );
}

/** @returns null for what another try may mend */
function failureOf(error: unknown): { exitCode: number; reason: string } | null {
  if (error instanceof Interrupted) return null;
  if (error instanceof DatasetError) return { exitCode: exitCodes.badData, reason: error.reason };
  if (error instanceof BundleError) return { exitCode: exitCodes.badModel, reason: "ModelNotTrainable" };
  if (error instanceof UnfitPerturbation) return { exitCode: exitCodes.badData, reason: "ThreatModelMismatch" };
  if (error instanceof Diverged) return { exitCode: exitCodes.badRequest, reason: "Diverged" };
  if (error instanceof StoreError && error.reason === "Corrupt")
    return { exitCode: exitCodes.badData, reason: "Corrupt" };
  if (error instanceof StoreError && error.reason === "BadUri")
    return { exitCode: exitCodes.badRequest, reason: "BadUri" };
  if (error instanceof StoreError && error.reason === "NotFound")
    return { exitCode: exitCodes.badRequest, reason: "NotFound" };
  return null;
}
