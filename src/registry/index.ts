export {
  architectures,
  type BundleDescription,
  BundleError,
  bundleDescription,
  descriptionFile,
  encodeProbes,
  encodeReferenceEmbeddings,
  inputSize,
  type Probes,
  type ReferenceEmbeddings,
  readDescription,
  readProbes,
  readReference,
} from "./bundle.ts";
export type { Runs, Store } from "./contract.ts";
export {
  checkDataset,
  type Dataset,
  DatasetError,
  type DatasetErrorReason,
  datasetFiles,
  type ImageDataset,
  inputOf,
  readDataset,
  requireClasses,
  rowsOfSplit,
  sourceOf,
  takeRows,
  type VectorDataset,
  writeDataset,
} from "./dataset.ts";
export { StoreError, type StoreErrorReason } from "./error.ts";
export { verifyArtefact } from "./file-store.ts";
export {
  decodeSafetensors,
  elements,
  encodeSafetensors,
  SafetensorsError,
  type StoredTensor,
  type StoredTensors,
  takeTensor,
} from "./safetensors.ts";
export { defaultSalt, type Split, sourceId16, splitOf, splitShares, splits } from "./splits.ts";
export { openStore } from "./store.ts";
export { formatUri, type Location, parseUri } from "./uri.ts";
