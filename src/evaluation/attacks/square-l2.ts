import type { Random } from "../../monitor/index.ts";
import type { Ball } from "./ball.ts";
import { drawFirst, type Moves } from "./square-moves.ts";

/** Smallest window: on one place a pattern is a sign, which moves nothing. */
const least = 3;
/** Tiles along the shorter side of an image's first point. */
const tiles = 5;

/**
 * A window gets the budget of another one (Andriushchenko et al. 2020, algorithm 3). With ν the change so far, for the
 * places of each channel in two windows W₁ and W₂:
 *
 *   ν_W₁ ← (ρη/‖η‖ + ν_W₁/‖ν_W₁‖) scaled to √(‖ν_W₁∪W₂‖² + (ε² − ‖ν‖²)/c),   ν_W₂∖W₁ ← 0
 *
 * so that ‖ν‖ = ε again. On an image η is two centred pyramids of opposite sign, which the first point is tiled with.
 * The coordinates of a vector have no neighbours: windows are draws of them, and η is a random direction.
 */
export function squareL2(shape: readonly number[]): Moves {
  const [height = 1, width = 1, channels = 1] = shape;
  return shape.length === 3 ? imageMoves(height, width, channels) : vectorMoves(height);
}

function imageMoves(height: number, width: number, channels: number): Moves {
  const shorter = Math.min(height, width);
  const placesOf = (top: number, left: number, side: number, channel: number): Int32Array =>
    Int32Array.from({ length: side * side }, (_, i) => {
      const [y, x] = [top + Math.floor(i / side), left + (i % side)];
      return (y * width + x) * channels + channel;
    });
  return {
    start: (point, original, ball, random) => {
      const side = Math.max(1, Math.floor(shorter / tiles));
      const [down, across] = [Math.floor(height / side), Math.floor(width / side)];
      const [above, before] = [(height - side * down) >> 1, (width - side * across) >> 1];
      const change = new Float64Array(original.length);
      for (let tile = 0; tile < down * across; tile++) {
        const top = above + side * Math.floor(tile / across);
        const left = before + side * (tile % across);
        const pattern = pyramids(side, random);
        for (let channel = 0; channel < channels; channel++) {
          const sign = random.uniform() < 0.5 ? -1 : 1;
          placesOf(top, left, side, channel).forEach((at, i) => {
            change[at] = sign * (pattern[i] ?? 0);
          });
        }
      }
      moveTo(point, original, change, ball);
    },
    propose: (point, original, share, ball, random) => {
      const wanted = Math.max(least, Math.round(Math.sqrt(share * height * width)));
      // Odd, so that a pyramid has a middle.
      const side = Math.min(shorter, wanted + (wanted % 2 === 0 ? 1 : 0));
      const corner = (): [number, number] => [random.integer(height - side + 1), random.integer(width - side + 1)];
      const [top, left] = corner();
      const [top2, left2] = corner();
      const pattern = pyramids(side, random);
      const change = changeOf(point, original);
      const unused = Math.max(0, ball.epsilon ** 2 - squares(change)) / channels;
      for (let channel = 0; channel < channels; channel++) {
        const sign = random.uniform() < 0.5 ? -1 : 1;
        const into = placesOf(top, left, side, channel);
        const from = placesOf(top2, left2, side, channel);
        const signed = pattern.map((value) => sign * value);
        moveBudget(change, into, from, signed, unused);
      }
      moveTo(point, original, change, ball);
    },
  };
}

function vectorMoves(d: number): Moves {
  const places = Int32Array.from({ length: d }, (_, at) => at);
  const direction = (count: number, random: Random): Float64Array =>
    unit(Float64Array.from({ length: count }, () => random.gaussian()));
  return {
    start: (point, original, ball, random) => moveTo(point, original, direction(d, random), ball),
    propose: (point, original, share, ball, random) => {
      const count = Math.min(d, Math.max(least, Math.round(share * d)));
      const into = drawFirst(places, count, random).slice();
      const from = drawFirst(places, count, random);
      const change = changeOf(point, original);
      const unused = Math.max(0, ball.epsilon ** 2 - squares(change));
      moveBudget(change, into, from, direction(count, random), unused);
      moveTo(point, original, change, ball);
    },
  };
}

/**
 * The equation of `squareL2` for one channel, in place.
 *
 * @param pattern  of length 1, for the places of `into`
 * @param unused   squared budget that is free beside that of both windows
 */
function moveBudget(
  change: Float64Array,
  into: Int32Array,
  from: Int32Array,
  pattern: Float64Array,
  unused: number,
): void {
  const old = unit(Float64Array.from(into, (at) => change[at] ?? 0));
  let available = unused;
  for (const at of [...into, ...from]) {
    available += (change[at] ?? 0) ** 2;
    change[at] = 0;
  }
  unit(pattern.map((value, i) => value + (old[i] ?? 0))).forEach((value, i) => {
    change[into[i] ?? 0] = value * Math.sqrt(available);
  });
}

/**
 * η of a side: a pyramid above one of opposite sign, of length 1, lying or standing. A pyramid is a sum of nested
 * rectangles around its middle, the k-th of height 1/(k + 1)².
 */
export function pyramids(side: number, random: Random): Float64Array {
  const above = side >> 1;
  const [first, second] = [pyramid(above, side), pyramid(side - above, side)];
  const both = unit(Float64Array.of(...first, ...second.map((value) => -value)));
  const stands = random.uniform() > 0.5;
  return stands ? both.map((_, i) => both[(i % side) * side + Math.floor(i / side)] ?? 0) : both;
}

function pyramid(height: number, width: number): Float64Array {
  const [middle, centre] = [height >> 1, width >> 1];
  const values = Float64Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let value = 0;
    for (let k = Math.max(Math.abs(y - middle), Math.abs(x - centre)); k <= Math.max(middle, centre); k++) {
      value += 1 / (k + 1) ** 2;
    }
    return value;
  });
  return unit(values);
}

function changeOf(point: Float32Array, original: Float32Array): Float64Array {
  return Float64Array.from(point, (value, at) => value - (original[at] ?? 0));
}

/** To the point of the sphere in a change's direction, then clipped as `project` does. */
function moveTo(point: Float32Array, original: Float32Array, change: Float64Array, ball: Ball): void {
  unit(change).forEach((value, at) => {
    const moved = (original[at] ?? 0) + value * ball.epsilon;
    point[at] = ball.bounded ? Math.min(1, Math.max(0, moved)) : moved;
  });
}

function unit(values: Float64Array): Float64Array {
  const length = Math.sqrt(squares(values)) + 1e-12;
  return values.map((value) => value / length);
}

function squares(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
