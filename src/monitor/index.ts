export { type Alarm, driftAlarm, modelAlarm, noAlarm, release } from "./alarm.ts";
export { scoreAnomaly } from "./anomaly.ts";
export { CorruptArtefact } from "./artefact.ts";
export { type BlockAutocorrelation, blockAutocorrelation } from "./block-autocorrelation.ts";
export { blockAt, blockEnd } from "./block-clock.ts";
export { compareProbes, measureRepeatNoise, type ProbeComparison, type RepeatNoise } from "./canary.ts";
export {
  type ConsistencyThreshold,
  calibrateThreshold,
  consistencyScore,
  drawSqueezer,
  isFlagged,
} from "./consistency.ts";
export { decodeDetector, encodeDetector } from "./detector-state.ts";
export {
  alarmThreshold,
  blocksForAlarm,
  type DetectorState,
  detectorEffect,
  meanEvidence,
  mostEvidence,
  startDetector,
  stepDetector,
} from "./e-detector.ts";
export {
  emptyWindow,
  type ShareWindow,
  stepShare,
} from "./flagged-share.ts";
export { lastChange } from "./last-change.ts";
export { cosine, type Matrix, matrixOf, row, selectRows } from "./matrix.ts";
export { meanShift } from "./mean-shift.ts";
export { type Random, seededRandom } from "./random.ts";
export {
  buildReference,
  decodeReference,
  encodeReference,
  leastReference,
  mostDimensions,
  type Reference,
  UnusableReference,
  vectorsForBlocks,
} from "./reference.ts";
export {
  type BlockSum,
  blockStatistics,
  decodeSketch,
  encodeSketch,
  leastExported,
  mergeSketches,
  type Sketch,
  type Sketcher,
  SketchMismatch,
  sketcher,
} from "./sketch.ts";
export { type Image, quantiseVector, type Squeezer, squeezeImage, squeezersOf } from "./squeezers.ts";
export { windowTest } from "./window-test.ts";
