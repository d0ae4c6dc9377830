/**
 * The monitor's hot path against what one would write first, in one process and on the same vectors:
 * `node bench/monitor.ts [--json]`.
 *
 * - sketch: `add` of a sketcher: sums, random Fourier features, nearest of 64 centroids, quantiles
 * - MMD: a sliding window of 50 vectors against 500 of the reference, the Gaussian kernel's sums updated for each vector
 * - kNN: cosine to the 10 nearest of 1,000 reference vectors
 *
 * Printed are the medians of five rounds in µs a vector, and the ratios, which mean more than the figures of one machine.
 */
import { parseArgs } from "node:util";
import {
  blockStatistics,
  buildReference,
  encodeReference,
  encodeSketch,
  type Matrix,
  matrixOf,
  type Reference,
  row,
  type Sketch,
  seededRandom,
  sketcher,
  startDetector,
  stepDetector,
  windowTest,
} from "../src/monitor/index.ts";

type Figures = {
  readonly dimension: number;
  readonly sketch: number;
  readonly mmd: number;
  readonly knn: number;
  readonly mmdRatio: number;
  readonly knnRatio: number;
  /** Heap that adding 2,000 vectors leaves, bytes a vector. */
  readonly heapPerVector: number;
  readonly detectorStepMs: number;
  readonly windowTestMs: number;
  readonly buildReferenceMs: number;
  readonly sketchBytes: number;
  readonly referenceBytes: number;
};

/** What the peers computed ends here, so that no compiler leaves it out. */
let sink = 0;
const { values: options } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const figures = [384, 768, 4096].map(measure);
if (options.json) console.log(JSON.stringify(figures, null, 2));
else console.table(figures.map(rounded));
if (Number.isNaN(sink)) throw new Error("a peer computed NaN");

function measure(dimension: number): Figures {
  const random = seededRandom(dimension);
  const vectors = (count: number): Float32Array[] =>
    Array.from({ length: count }, () => Float32Array.from({ length: dimension }, () => random.gaussian()));
  const embeddings = matrixOf(vectors(1500));
  const started = performance.now();
  const reference = buildReference({ model: "m", inputs: "i", embeddings, blockSize: 16, seed: 1 });
  const buildReferenceMs = performance.now() - started;

  const { start, add } = sketcher(reference);
  const live = vectors(200);
  const sketch = start(0);
  const addAll = (): void => live.forEach((x) => add(sketch, x));
  const sketchTime = microseconds(addAll, live.length);
  const few = live.slice(0, 20);
  const mmd = microseconds(slidingMmd(embeddings, few), few.length);
  const knn = microseconds(nearestNeighbours(embeddings, few), few.length);
  return {
    dimension,
    sketch: sketchTime,
    mmd,
    knn,
    mmdRatio: mmd / sketchTime,
    knnRatio: knn / sketchTime,
    heapPerVector: heapGrowth(() => {
      for (let i = 0; i < 10; i++) addAll();
    }, 10 * live.length),
    ...perBlock(reference, start, add, live),
    buildReferenceMs,
    sketchBytes: encodeSketch(sketch).length,
    referenceBytes: encodeReference(reference).length,
  };
}

function perBlock(
  reference: Reference,
  start: (block: number) => Sketch,
  add: (sketch: Sketch, x: Float32Array) => unknown,
  live: readonly Float32Array[],
): { detectorStepMs: number; windowTestMs: number } {
  const sketches = Array.from({ length: 30 }, (_, block) => {
    const sketch = start(block);
    for (const x of live.slice(block, block + 40)) add(sketch, x);
    return sketch;
  });
  const settings = { threshold: 1e9, minVectors: 30 };
  const detect = (): void => {
    let state = startDetector(reference);
    for (const sketch of sketches) state = stepDetector(state, blockStatistics(sketch), reference, settings).state;
  };
  const test = (): void => {
    windowTest(sketches, reference, { features: "Whitened", minimumEffect: 0.1, minVectors: 30 });
  };
  return { detectorStepMs: microseconds(detect, sketches.length) / 1000, windowTestMs: microseconds(test, 1) / 1000 };
}

/** The peer that recomputes: one new vector's kernel with the window and with the reference, as online MMD does. */
function slidingMmd(reference: Matrix, live: readonly Float32Array[]): () => void {
  const window = Array.from({ length: 50 }, (_, i) => row(reference, 500 + i));
  const scale = 1 / (2 * reference.columns);
  const kernel = (x: Float32Array, y: Float32Array): number => {
    let sum = 0;
    for (let j = 0; j < x.length; j++) sum += (x[j]! - y[j]!) ** 2;
    return Math.exp(-sum * scale);
  };
  return () => {
    for (const x of live) {
      let statistic = 0;
      for (let i = 0; i < 500; i++) statistic -= kernel(x, row(reference, i));
      for (const y of window) statistic += kernel(x, y);
      sink = statistic;
    }
  };
}

function nearestNeighbours(reference: Matrix, live: readonly Float32Array[]): () => void {
  return () => {
    for (const x of live) {
      const cosines = new Float64Array(1000);
      for (let i = 0; i < cosines.length; i++) {
        const y = row(reference, i);
        let [dot, squares] = [0, 0];
        for (let j = 0; j < x.length; j++) {
          dot += x[j]! * y[j]!;
          squares += y[j]! * y[j]!;
        }
        cosines[i] = dot / Math.sqrt(squares);
      }
      sink = cosines.sort()[990]!;
    }
  };
}

/** Median of five rounds, each long enough for the clock, after one that warms up. */
function microseconds(work: () => void, count: number): number {
  work();
  const rounds = Array.from({ length: 5 }, () => {
    let done = 0;
    const started = performance.now();
    let elapsed = 0;
    while (elapsed < 60) {
      work();
      done += count;
      elapsed = performance.now() - started;
    }
    return (elapsed * 1000) / done;
  }).sort((a, b) => a - b);
  return rounds[2]!;
}

function heapGrowth(work: () => void, count: number): number {
  work();
  const before = process.memoryUsage();
  work();
  const after = process.memoryUsage();
  return Math.max(0, after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / count;
}

function rounded(row: Figures): Record<string, number> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value.toPrecision(3))]));
}
