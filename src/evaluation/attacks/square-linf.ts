import type { Random } from "../../monitor/index.ts";
import type { Ball } from "./ball.ts";
import { drawFirst, type Moves } from "./square-moves.ts";

/**
 * Windows at corners of the ball (Andriushchenko et al. 2020, algorithm 2): an image starts from vertical stripes, then
 * squares are set to one corner a channel. The coordinates of a vector have no neighbours, so that a window is a draw of
 * them, each with a sign of its own; those of a box that cannot be changed are never drawn.
 */
export function squareLinf(shape: readonly number[], ball: Ball): Moves {
  const [height = 1, width = 1, channels = 1] = shape;
  return shape.length === 3 ? imageMoves(height, width, channels) : vectorMoves(height, ball);
}

function imageMoves(height: number, width: number, channels: number): Moves {
  return {
    start: (point, original, ball, random) => {
      const signs = Array.from({ length: width * channels }, () => signOf(random));
      original.forEach((value, at) => {
        point[at] = corner(value, at, signs[at % signs.length] ?? 1, ball);
      });
    },
    propose: (point, original, share, ball, random) => {
      const side = Math.min(width, Math.max(1, Math.round(Math.sqrt(share * height * width))));
      const tall = Math.min(height, side);
      const top = random.integer(height - tall + 1);
      const left = random.integer(width - side + 1);
      const signs = Array.from({ length: channels }, () => signOf(random));
      for (let y = top; y < top + tall; y++) {
        for (let x = left; x < left + side; x++) {
          for (let c = 0; c < channels; c++) {
            const at = (y * width + x) * channels + c;
            point[at] = corner(original[at] ?? 0, at, signs[c] ?? 1, ball);
          }
        }
      }
    },
  };
}

function vectorMoves(d: number, { scales }: Ball): Moves {
  const changeable = Int32Array.from({ length: d }, (_, at) => at).filter((at) => (scales?.[at] ?? 1) > 0);
  const set = (places: Int32Array, point: Float32Array, original: Float32Array, ball: Ball, random: Random): void => {
    for (const at of places) point[at] = corner(original[at] ?? 0, at, signOf(random), ball);
  };
  return {
    start: (point, original, ball, random) => set(changeable, point, original, ball, random),
    propose: (point, original, share, ball, random) => {
      const count = Math.min(changeable.length, Math.max(1, Math.round(share * changeable.length)));
      set(drawFirst(changeable, count, random), point, original, ball, random);
    },
  };
}

function signOf(random: Random): number {
  return random.uniform() < 0.5 ? -1 : 1;
}

function corner(value: number, coordinate: number, sign: number, ball: Ball): number {
  const moved = value + sign * ball.epsilon * (ball.scales?.[coordinate] ?? 1);
  return ball.bounded ? Math.min(1, Math.max(0, moved)) : moved;
}
