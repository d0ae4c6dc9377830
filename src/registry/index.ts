export { type Artefact, inspectArtefact, UnknownArtefact } from "./artefact.ts";
export { artefactFiles } from "./artefact-files.ts";
export {
  type AttackRecord,
  type AttackWindow,
  attackRecord,
  attacksOf,
  isAttacked,
  recordAttacks,
  recordedAttacks,
} from "./attack-record.ts";
export {
  type BundleDescription,
  BundleError,
  descriptionFile,
  encodeProbes,
  encodeReferenceEmbeddings,
  type Probes,
  type ReferenceEmbeddings,
  readDescription,
  readProbes,
  readReference,
} from "./bundle.ts";
export { type CapturedSample, locateSamples } from "./captured-samples.ts";
export type { Runs, Store } from "./contract.ts";
export {
  type Dataset,
  DatasetError,
  type DatasetErrorReason,
  datasetFiles,
  type ImageDataset,
  readDataset,
  requireClasses,
  rowsOfSplit,
  sourceName,
  sourceOf,
  takeRows,
  type VectorDataset,
  writeDataset,
} from "./dataset.ts";
export { StoreError, type StoreErrorReason } from "./error.ts";
export { fieldErrors, insteadOf, inWords } from "./field-errors.ts";
export { verifyArtefact } from "./file-store.ts";
export { makeFolder, tryFolder } from "./files.ts";
export { requestIdentity, storedResult, storeResult } from "./finished-run.ts";
export { decodePng, PngError, pngSides } from "./png.ts";
export {
  findPodReference,
  type PodReference,
  type PodReferenceKey,
  podReferenceFiles,
  podReferenceName,
  readPodReference,
} from "./pod-reference.ts";
export { liveRows, rowsOfBaseline } from "./reference-rows.ts";
export {
  decodeSafetensors,
  elements,
  encodeSafetensors,
  SafetensorsError,
  type StoredTensor,
  type StoredTensors,
  takeTensor,
} from "./safetensors.ts";
export { contentId16, type Split, sourceId16, splitOf, splitShares } from "./splits.ts";
export { openStore } from "./store.ts";
export {
  newestFirst,
  parseSnapshot,
  readTraffic,
  segmentsOf,
  snapshotFile,
  snapshotFiles,
  type TrafficSnapshot,
} from "./traffic.ts";
export { rowsOfPart, type TrafficPart } from "./traffic-parts.ts";
export { unlessGone } from "./unless-gone.ts";
export { checkName, type Location, parseUri } from "./uri.ts";
export { whyNotRead } from "./why-not-read.ts";
