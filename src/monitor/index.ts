export { type Alarm, driftAlarm, modelAlarm, noAlarm, raise, release } from "./alarm.ts";
export { type Anomaly, conformalPValue, scoreAnomaly } from "./anomaly.ts";
export { CorruptArtefact } from "./artefact.ts";
export { blockAt, blockEnd } from "./block-clock.ts";
export { type BottomSample, bottomSample, isSampled, mergeSamples, offer } from "./bottom-sample.ts";
export { compareProbes, measureRepeatNoise, type ProbeComparison, type RepeatNoise } from "./canary.ts";
export {
  type ConsistencyThreshold,
  calibrateThreshold,
  consistencyScore,
  drawSqueezer,
  isFlagged,
} from "./consistency.ts";
export { decodeDetector, encodeDetector } from "./detector-state.ts";
export { shareBounds } from "./distributions.ts";
export {
  alarmThreshold,
  type DetectorSettings,
  type DetectorState,
  type DetectorStep,
  detectorEffect,
  meanEvidence,
  startDetector,
  stepDetector,
} from "./e-detector.ts";
export {
  emptyWindow,
  type FlagCounts,
  type ShareSettings,
  type ShareStep,
  type ShareWindow,
  stepShare,
} from "./flagged-share.ts";
export { cosine, type Matrix, matrixOf, norm, row } from "./matrix.ts";
export { quantile } from "./quantile-sketch.ts";
export { type Random, seededRandom } from "./random.ts";
export {
  buildReference,
  decodeReference,
  encodeReference,
  type Reference,
  type ReferenceInput,
  UnusableReference,
} from "./reference.ts";
export {
  type Added,
  type BlockStatistics,
  blockStatistics,
  decodeSketch,
  encodeSketch,
  leastExported,
  mergeSketches,
  type Sketch,
  type Sketcher,
  SketchMismatch,
  sketcher,
  TooFewVectors,
} from "./sketch.ts";
export { type Image, type ImageSqueezer, quantiseVector, type Squeezer, squeezeImage } from "./squeezers.ts";
export { type WindowTest, type WindowTestSettings, windowTest } from "./window-test.ts";
