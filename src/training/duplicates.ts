import { seededRandom } from "../monitor/index.ts";
import { type Dataset, elements } from "../registry/index.ts";

const bands = 8;
const bitsPerBand = 16;
/** Relative distance below which two inputs are near duplicates. */
const nearDistance = 0.05;

export type Duplicates = {
  /** rows to keep, ascending */
  readonly kept: Int32Array;
  readonly exact: number;
  readonly near: number;
};

/**
 * Finds exact and near duplicates: of a group the row that comes first in `order` is kept.
 *
 * Candidates come from locality-sensitive hashing by random hyperplanes (Charikar 2002), 8 bands of 16 bits, and are then
 * measured: ‖a − b‖ < 0.05 · max(‖a‖, ‖b‖). Two inputs at that distance are found with a probability of about .999.
 *
 * @param order  rows in order of precedence; rows that are not in it take no part
 */
export function findDuplicates(dataset: Dataset, order: Int32Array): Duplicates {
  const features = coarse(dataset);
  const squares = squaredLengths(dataset);
  const planes = hyperplanes(features.width, bands * bitsPerBand);
  const buckets = new Map<number, number[]>();
  const kept: number[] = [];
  let exact = 0;
  let near = 0;
  for (const row of order) {
    const keys = signature(features, planes, row);
    const candidates = new Set(keys.flatMap((key) => buckets.get(key) ?? []));
    let closest = Number.POSITIVE_INFINITY;
    for (const other of candidates) {
      closest = Math.min(closest, relativeDistance(dataset, squares, row, other, nearDistance));
      if (closest === 0) break;
    }
    if (closest === 0) exact += 1;
    else if (closest < nearDistance) near += 1;
    else {
      kept.push(row);
      for (const key of keys) {
        const bucket = buckets.get(key);
        if (bucket) bucket.push(row);
        else buckets.set(key, [row]);
      }
    }
  }
  return { kept: Int32Array.from(kept).sort(), exact, near };
}

type Features = { readonly data: Float32Array; readonly width: number };

/** Vectors as they are; images as means over an 8 × 8 grid, a channel each. Centred, so that the planes cut the cloud. */
function coarse(dataset: Dataset): Features {
  const { shape, count } = dataset;
  const [height = 1, width = 1, channels = 1] = shape;
  const grid = 8;
  if (dataset.modality === "Vector" || height * width <= grid * grid) {
    return centred(Float32Array.from(dataset.inputs), elements(shape), count);
  }
  const cells = new Float32Array(count * grid * grid * channels);
  const size = height * width * channels;
  for (let i = 0; i < dataset.inputs.length; i++) {
    const within = i % size;
    const pixel = Math.floor(within / channels);
    const cell =
      Math.floor((Math.floor(pixel / width) * grid) / height) * grid + Math.floor(((pixel % width) * grid) / width);
    const at = (Math.floor(i / size) * grid * grid + cell) * channels + (within % channels);
    cells[at] = (cells[at] ?? 0) + (dataset.inputs[i] ?? 0);
  }
  return centred(cells, grid * grid * channels, count);
}

function centred(data: Float32Array, width: number, count: number): Features {
  const means = new Float64Array(width);
  for (let i = 0; i < data.length; i++) means[i % width] = (means[i % width] ?? 0) + (data[i] ?? 0) / count;
  for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 0) - (means[i % width] ?? 0);
  return { data, width };
}

function hyperplanes(width: number, count: number): Float32Array {
  const random = seededRandom(20_260_101);
  return Float32Array.from({ length: width * count }, () => random.gaussian());
}

/** One key a band: its bits, with the band's number above them. */
function signature({ data, width }: Features, planes: Float32Array, row: number): number[] {
  return Array.from({ length: bands }, (_, band) => {
    let key = band;
    for (let bit = 0; bit < bitsPerBand; bit++) {
      const plane = (band * bitsPerBand + bit) * width;
      let product = 0;
      for (let j = 0; j < width; j++) product += (data[row * width + j] ?? 0) * (planes[plane + j] ?? 0);
      key = key * 2 + (product > 0 ? 1 : 0);
    }
    return key;
  });
}

/** ‖x‖² of every input. */
function squaredLengths({ inputs, count, shape }: Dataset): Float64Array {
  const size = elements(shape);
  const squares = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let j = row * size; j < (row + 1) * size; j++) sum += (inputs[j] ?? 0) ** 2;
    squares[row] = sum;
  }
  return squares;
}

/** ‖a − b‖ / max(‖a‖, ‖b‖) of two rows, or infinity once it is certain to be above `limit`. */
function relativeDistance(
  { inputs, shape }: Dataset,
  squares: Float64Array,
  a: number,
  b: number,
  limit: number,
): number {
  const size = elements(shape);
  const [squaresA = 0, squaresB = 0] = [squares[a], squares[b]];
  const scale = Math.max(squaresA, squaresB);
  const bound = limit * limit * scale;
  // ‖a − b‖ ≥ |‖a‖ − ‖b‖|: most candidates need no look at their numbers.
  if ((Math.sqrt(squaresA) - Math.sqrt(squaresB)) ** 2 > bound) return Number.POSITIVE_INFINITY;
  const [from, to] = [a * size, b * size];
  let difference = 0;
  for (let j = 0; j < size; j++) {
    difference += ((inputs[from + j] ?? 0) - (inputs[to + j] ?? 0)) ** 2;
    if (difference > bound) return Number.POSITIVE_INFINITY;
  }
  return scale === 0 ? 0 : Math.sqrt(difference / scale);
}
