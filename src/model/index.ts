export { buildNetwork } from "./architectures/index.ts";
export type { ResidualMlpConfig } from "./architectures/residual-mlp.ts";
export type { VitConfig } from "./architectures/vit.ts";
export { type Backend, type BackendName, startBackend } from "./backend.ts";
export {
  batchOf,
  disposeWeights,
  type Encoder,
  embed,
  embedAll,
  initialWeights,
  normalise,
  scaledBytes,
} from "./encoder.ts";
export { checkEncoder, encoderFiles, loadEncoder } from "./hugging-face.ts";
export type { Network, Parameter, Weights } from "./network.ts";
