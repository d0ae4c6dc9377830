import { type EvaluateRequest, type EvaluateResult, evaluateResult, exitCodes, reportsOf } from "../api/index.ts";
import { disposeWeights, loadEncoder, startBackend } from "../model/index.ts";
import {
  BundleError,
  type Dataset,
  DatasetError,
  parseUri,
  readDataset,
  readReference,
  readTraffic,
  type Store,
  StoreError,
  sourceName,
  storedResult,
  storeResult,
} from "../registry/index.ts";
import { attackStepsOf } from "./attack-steps.ts";
import { LeakedEvaluation } from "./clean-set.ts";
import type { Settings } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import type { EvaluationInput, NamedEncoder } from "./input.ts";
import { reportFiles } from "./report/index.ts";
import { defaultSettings } from "./settings.ts";
import { fitMessage } from "./termination-message.ts";
import { unlikeSamples } from "./unlike-samples.ts";

export type RunHooks = {
  readonly onProgress?: (doing: string, share: number) => void;
  /** a line for people */
  readonly say?: (line: string) => void;
  /** instead of the backend's defaults */
  readonly settings?: Partial<Settings>;
};

export type Outcome = { readonly result: EvaluateResult; readonly exitCode: number };

const resultFile = "evaluate.json";

/**
 * Does what an evaluation request asks and stores the report. A run that was done before answers again without any work
 * (decision 26), unless it was asked something else.
 */
export async function runEvaluation(request: EvaluateRequest, store: Store, hooks: RunHooks = {}): Promise<Outcome> {
  const done = await storedResult(store.evaluations, request, resultFile, evaluateResult);
  if (done) {
    hooks.say?.(`run ${request.run} is done already: its result is given again`);
    return { result: done, exitCode: exitCodes.done };
  }
  try {
    const result = fitMessage(await evaluateNow(request, store, hooks));
    await storeResult(store.evaluations, request, resultFile, result);
    return { result, exitCode: exitCodes.done };
  } catch (error) {
    const failure = failureOf(error);
    if (!failure) throw error;
    const { exitCode, reason } = failure;
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 1500);
    const overlap = error instanceof LeakedEvaluation ? { overlap: error.overlap } : {};
    return { result: fitMessage({ kind: "Evaluate", gates: [], ...overlap, error: { reason, message } }), exitCode };
  }
}

async function evaluateNow(request: EvaluateRequest, store: Store, hooks: RunHooks): Promise<EvaluateResult> {
  const name = reportsOf(parseUri(request.candidate).name);
  await Promise.all([store.tryWriting(name), store.evaluations.tryWriting(request.run)]);
  const backend = await startBackend();
  hooks.say?.(`backend: ${backend.description}`);
  const data = async (uri: string | undefined): Promise<Dataset | null> =>
    uri === undefined ? null : readDataset(await store.resolve(uri));
  const reference = await data(request.dataset.reference);
  const evaluation = request.evaluationData === "None" ? null : await data(request.dataset.evaluation);
  const { traffic, quarantined } = await trafficOf(request, store);
  const folder = await store.resolve(request.candidate);
  const candidate = await model(request.candidate, folder, evaluation ?? reference);
  const active = await approved(request.active, store, evaluation ?? reference);
  const same = request.baseline === request.active;
  const baseline = same ? active : await approved(request.baseline, store, evaluation ?? reference);
  const input: EvaluationInput = {
    ...request,
    candidate,
    active,
    baseline,
    reference,
    evaluation,
    traffic,
    quarantined,
    entered: traffic ? await enteredSources(folder) : [],
    accepted: traffic && (await readReference(await store.resolve(request.active))),
    settings: { ...defaultSettings(backend.name, await attackStepsOf(folder)), ...hooks.settings },
    backend: backend.name,
  };
  const { rows, report, context } = evaluate(input, hooks.onProgress);
  // An illustration: what it cannot show costs no gates that are measured.
  const captured =
    traffic && request.traffic
      ? await unlikeSamples(store, request.traffic, traffic, input, context).catch((error: unknown) => {
          hooks.say?.(`captured samples are not shown: ${error instanceof Error ? error.message : String(error)}`);
          return [];
        })
      : [];
  const uri = await store.putFiles(name, reportFiles({ ...report, captured }, context));
  for (const { encoder } of new Set([candidate, active, baseline])) disposeWeights(encoder.weights);
  return { kind: "Evaluate", report: uri, gates: [...rows], overlap: report.data.overlap ?? undefined };
}

/** What the candidate's reference was made of: it does not judge. */
async function enteredSources(bundle: string): Promise<readonly string[]> {
  const reference = await readReference(bundle);
  return reference ? Array.from({ length: reference.count }, (_, row) => sourceName(reference, row)) : [];
}

/**
 * Traffic that came while an attack was on counts as set aside, and so does what has outlived its TTL since the run was made:
 * nothing is known of the shift then.
 */
async function trafficOf(
  { traffic, quarantined }: EvaluateRequest,
  store: Store,
): Promise<{ readonly traffic: Dataset | null; readonly quarantined: number | undefined }> {
  if (traffic === undefined) return { traffic: null, quarantined };
  try {
    return { traffic: await readTraffic(store, traffic), quarantined };
  } catch (error) {
    const attacked = error instanceof DatasetError && error.reason === "Attacked";
    const gone = error instanceof StoreError && error.reason === "NotFound";
    if (attacked || gone) return { traffic: null, quarantined: 1 };
    throw error;
  }
}

/** What runs, or ran, is not a model that can be loaded here: no candidate can be measured against it. */
class NotComparable extends Error {
  override readonly name = "NotComparable";
}

async function approved(uri: string, store: Store, dataset: Dataset | null): Promise<NamedEncoder> {
  try {
    return await model(uri, await store.resolve(uri), dataset);
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    throw new NotComparable(`${uri}: ${error.message}`, { cause: error });
  }
}

/** @throws {BundleError} when it isn't a bundle or does not take the dataset's inputs */
export async function model(name: string, folder: string, dataset: Dataset | null): Promise<NamedEncoder> {
  const encoder = await loadEncoder(folder);
  const { inputShape } = encoder.network;
  if (dataset && dataset.shape.join() !== inputShape.join()) {
    throw new BundleError(
      `${name} takes inputs of shape [${inputShape.join(", ")}], the dataset's have [${dataset.shape.join(", ")}]`,
    );
  }
  return { name, encoder };
}

/** How a failure ends the container, null when another try may end otherwise. */
export function failureOf(error: unknown): { exitCode: number; reason: string } | null {
  if (error instanceof DatasetError) return { exitCode: exitCodes.badData, reason: error.reason };
  if (error instanceof LeakedEvaluation) return { exitCode: exitCodes.badData, reason: "Leaked" };
  if (error instanceof BundleError) return { exitCode: exitCodes.badModel, reason: "BadModel" };
  if (error instanceof NotComparable) return { exitCode: exitCodes.badModel, reason: "ModelNotTrainable" };
  if (error instanceof StoreError) {
    switch (error.reason) {
      case "NotFound":
      case "Corrupt":
        return { exitCode: exitCodes.badData, reason: error.reason };
      case "BadUri":
        return { exitCode: exitCodes.badRequest, reason: error.reason };
      case "Full":
      case "ReadOnly":
        return null;
      default:
        return error.reason satisfies never;
    }
  }
  return null;
}
