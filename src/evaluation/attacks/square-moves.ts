import type { Random } from "../../monitor/index.ts";
import type { Ball } from "./ball.ts";

/** How the search changes one input of a norm. Both write into `point`, which stays in the ball around `original`. */
export type Moves = {
  /** a first point */
  readonly start: (point: Float32Array, original: Float32Array, ball: Ball, random: Random) => void;
  /** @param share  of the input's places that a window covers, in (0, 1] */
  readonly propose: (point: Float32Array, original: Float32Array, share: number, ball: Ball, random: Random) => void;
};

/** The first `count` of the places become a draw of them, each as likely, in place. */
export function drawFirst(places: Int32Array, count: number, random: Random): Int32Array {
  for (let i = 0; i < count; i++) {
    const other = i + random.integer(places.length - i);
    const [here = 0, there = 0] = [places[i], places[other]];
    places[i] = there;
    places[other] = here;
  }
  return places.subarray(0, count);
}
