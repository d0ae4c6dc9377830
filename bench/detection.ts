/**
 * How fast the e-detector sees a shift, and how often it alarms without one. No peer: the promise is its own yardstick.
 *
 *     node bench/detection.ts
 */

import { startDetector, stepDetector } from "../src/monitor/e-detector.ts";
import { matrixOf } from "../src/monitor/matrix.ts";
import { type Random, seededRandom } from "../src/monitor/random.ts";
import { buildReference, type Reference } from "../src/monitor/reference.ts";

type Traffic = { readonly n: number; readonly bursts: boolean };

const settings = { minVectors: 1 };
const referenceBlocks = 200;

/** Gaussian vectors, one by one or in bursts of ten near copies from one source; the first coordinate is shifted. */
function blockMean(random: Random, d: number, { n, bursts }: Traffic, shift = 0): Float64Array {
  const mean = new Float64Array(d);
  if (!bursts) {
    // The mean of n standard gaussians is one of variance 1/n.
    for (let j = 0; j < d; j++) mean[j] = random.gaussian() / Math.sqrt(n);
  } else {
    for (let left = n; left > 0; left -= 10) {
      const size = Math.min(10, left);
      for (let j = 0; j < d; j++) {
        const sum = size * 0.9 * random.gaussian() + Math.sqrt(0.19 * size) * random.gaussian();
        mean[j] = (mean[j] ?? 0) + sum / n;
      }
    }
  }
  mean[0] = (mean[0] ?? 0) + shift;
  return mean;
}

function referenceOf(random: Random, d: number, blockSize: number): Reference {
  const rows = Math.ceil((referenceBlocks * blockSize) / (2 / 3)) + 1;
  const embeddings = matrixOf(
    Array.from({ length: rows }, () => Float32Array.from({ length: d }, () => random.gaussian())),
  );
  return buildReference({ model: "m", inputs: "i", embeddings, blockSize, seed: 1 });
}

/** Blocks from the onset of a shift to the alarm, one for each run, ascending. */
function delays(d: number, n: number, shift: number, runs: number): number[] {
  const random = seededRandom(5);
  const found = Array.from({ length: runs }, () => {
    const reference = referenceOf(random, d, 64);
    let state = startDetector(reference);
    for (let block = 0; block < 1000; block++) {
      const mean = blockMean(random, d, { n, bursts: false }, block >= 30 ? shift : 0);
      const step = stepDetector(state, { model: "m", block, n, mean }, reference, { ...settings, threshold: 86_400 });
      if (step.crossed) return block - 30;
      state = step.state;
    }
    return Infinity;
  });
  return found.sort((a, b) => a - b);
}

/** Blocks between false alarms. */
function quiet(threshold: number, live: Traffic, blockSize: number, runs: number): number {
  const random = seededRandom(6);
  let alarms = 0;
  const blocks = 1000;
  for (let run = 0; run < runs; run++) {
    const reference = referenceOf(random, 8, blockSize);
    let state = startDetector(reference);
    for (let block = 0; block < blocks; block++) {
      const statistics = { model: "m", block, n: live.n, mean: blockMean(random, 8, live) };
      const step = stepDetector(state, statistics, reference, { ...settings, threshold });
      if (step.crossed) alarms += 1;
      state = step.state;
    }
  }
  return (runs * blocks) / alarms;
}

console.log("Blocks to the alarm at A = 86,400, 200 reference blocks of 64: median, worst of 15");
for (const shift of [0.25, 0.5, 1]) {
  const cells = [64, 384].flatMap((d) =>
    [64, 512].map((n) => {
      const found = delays(d, n, shift, 15);
      return `d ${d} n ${n}: ${found[7]}, ${found.at(-1)}`;
    }),
  );
  console.log(`  ${shift} standard deviations  ${cells.join("   ")}`);
}
console.log("Blocks between false alarms, 30 runs of 1,000 blocks, d = 8");
const worlds: readonly [string, Traffic, number][] = [
  ["as in the reference", { n: 64, bursts: false }, 64],
  ["live blocks of eight times the size", { n: 512, bursts: false }, 64],
  ["live blocks of an eighth of the size", { n: 8, bursts: false }, 64],
  ["bursts of ten from one source", { n: 64, bursts: true }, 64],
];
for (const [name, live, blockSize] of worlds) {
  const cells = [50, 200].map((threshold) => `A = ${threshold}: ${quiet(threshold, live, blockSize, 30).toFixed(0)}`);
  console.log(`  ${name}  ${cells.join("   ")}`);
}
