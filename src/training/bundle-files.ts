import { createHash } from "node:crypto";
import { type Encoder, embedAll, encoderFiles } from "../model/index.ts";
import { squeezersOf } from "../monitor/index.ts";
import {
  type BundleDescription,
  type Dataset,
  descriptionFile,
  elements,
  encodeProbes,
  encodeReferenceEmbeddings,
  takeRows,
} from "../registry/index.ts";
import { consistencyScores, type RawInputs } from "./consistency-scores.ts";
import { type BenignFamily, composeBenign } from "./perturbations/index.ts";
import { type ConsistencyCalibration, enoughTraffic } from "./quarantine.ts";
import { sampleRows, stream } from "./streams.ts";
import { gatherRows, trainingData } from "./training-data.ts";
import { encodeLog, type LogEntry, logFile } from "./training-log.ts";

/** Probes of a bundle (decision 6). */
const probeCount = 64;
/** Inputs that the benign families are scored on at most. */
const benignScores = 2000;

export type BundleContent = {
  readonly encoder: Encoder;
  readonly description: Omit<
    BundleDescription,
    "shape" | "dimension" | "architecture" | "normalise" | "perturbationLog"
  >;
  /** the reference dataset's calibration split */
  readonly calibration: Dataset;
  readonly benign: readonly BenignFamily[];
  /** captured samples that were admitted into the reference */
  readonly traffic?: { readonly samples: Dataset; readonly keyed: boolean };
  readonly log: readonly LogEntry[];
};

/** The files of a model bundle, for `Store.putFiles`. */
export function bundleFiles(content: BundleContent): Record<string, Uint8Array> {
  const { encoder, calibration, traffic, log } = content;
  const { network } = encoder;
  const embedded = embedAll(encoder, calibration.inputs);
  const scores = calibrateConsistency(encoder, calibration, embedded, content.benign, content.description.seed);
  const admitted =
    traffic && traffic.samples.count > 0 ? embedAll(encoder, traffic.samples.inputs) : new Float32Array(0);
  const count = calibration.count + (traffic?.samples.count ?? 0);
  const embeddings = new Float32Array(embedded.length + admitted.length);
  embeddings.set(embedded);
  embeddings.set(admitted, embedded.length);
  const onlyTraffic = traffic?.keyed === true && traffic.samples.count >= enoughTraffic;
  const live = new Uint8Array(count).fill(onlyTraffic ? 0 : 1, 0, calibration.count).fill(1, calibration.count);

  // Not the first ones: sets are often sorted.
  const probed = sampleRows(calibration.count, probeCount, stream(content.description.seed, "reference", 2));
  const probes = takeRows(calibration, probed);
  const perturbations = encodeLog(log);
  const description: BundleDescription = {
    ...content.description,
    shape: [...network.inputShape],
    dimension: network.dimension,
    architecture: network.architecture,
    normalise: true,
    perturbationLog: { file: logFile, sha256: createHash("sha256").update(perturbations).digest("hex") },
  };
  return {
    ...encoderFiles(encoder),
    ...encodeProbes({
      shape: probes.shape,
      inputs: probes.inputs,
      count: probes.count,
      embeddings: gatherRows(embedded, network.dimension, probed),
      dimension: network.dimension,
    }),
    ...encodeReferenceEmbeddings({
      count,
      dimension: network.dimension,
      embeddings,
      sources: Buffer.concat([calibration.sources, traffic?.samples.sources ?? new Uint8Array(0)]),
      live,
      squeezed: new Map([...scores].map(([squeezer, { clean }]) => [squeezer, clean])),
      squeezedBenign: new Map([...scores].map(([squeezer, { benign }]) => [squeezer, benign])),
    }),
    [logFile]: perturbations,
    [descriptionFile]: new TextEncoder().encode(`${JSON.stringify(description, null, 2)}\n`),
  };
}

/**
 * Consistency scores of clean inputs, and of inputs under the benign families: what thresholds come from (decision 9).
 *
 * @param embeddings  of the inputs, [n × d]
 */
export function calibrateConsistency(
  encoder: Encoder,
  inputs: Dataset,
  embeddings: Float32Array,
  benign: readonly BenignFamily[],
  seed: number,
): ConsistencyCalibration {
  const changed = benign.length > 0 ? changedByNature(inputs, benign, seed) : null;
  const changedEmbeddings = changed ? embedAll(encoder, changed.inputs) : new Float32Array(0);
  return new Map(
    squeezersOf(inputs.modality).map((squeezer) => [
      squeezer,
      {
        clean: consistencyScores(encoder, inputs, embeddings, squeezer),
        benign: changed ? consistencyScores(encoder, changed, changedEmbeddings, squeezer) : new Float32Array(0),
      },
    ]),
  );
}

function changedByNature(dataset: Dataset, benign: readonly BenignFamily[], seed: number): RawInputs {
  const rows = sampleRows(dataset.count, benignScores, stream(seed, "reference", 3));
  const { shape } = dataset;
  const taken = takeRows(dataset, rows);
  const changed = composeBenign(benign, trainingData(taken).inputs, elements(shape), 1, stream(seed, "reference"));
  return taken.modality === "Image"
    ? { modality: "Image", shape, inputs: Uint8Array.from(changed, (value) => Math.round(255 * value)) }
    : { modality: "Vector", shape, inputs: changed };
}
