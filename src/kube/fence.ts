import type { Dispatcher } from "undici";
import { type Clock, systemClock } from "./clock.ts";
import { KubeError } from "./error.ts";

/** The right to write, for a time. Writes that carry it end before it does. */
export interface Fence {
  /** Whether a write may still be sent now. */
  holds(): boolean;
  /** Milliseconds until it ends; 0 when it does not hold. */
  remaining(): number;
  /** Lets requests through only while it holds, judged when they are written to the socket. */
  guard(dispatcher: Dispatcher): Dispatcher;
}

/** A fence whose end is moved by whoever holds the lease. */
export class LeaseFence implements Fence {
  readonly #clock: Clock;
  #sinceMonotonic = 0;
  #sinceWall = 0;
  #ms = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** @param since  monotonic and wall time when the renewal that succeeded was begun */
  extend(since: { monotonic: number; wall: number }, ms: number): void {
    this.#sinceMonotonic = since.monotonic;
    this.#sinceWall = since.wall;
    this.#ms = ms;
  }

  end(): void {
    this.#ms = 0;
  }

  holds(): boolean {
    return this.remaining() > 0;
  }

  remaining(): number {
    // The monotonic clock stands still while the machine is suspended, the wall clock may be set back: the longer counts.
    const elapsed = Math.max(this.#clock.monotonic() - this.#sinceMonotonic, this.#clock.now() - this.#sinceWall);
    return Math.max(0, this.#ms - elapsed);
  }

  guard(dispatcher: Dispatcher): Dispatcher {
    return dispatcher.compose(
      (dispatch) => (options, handler) =>
        dispatch(options, {
          // Not when the call was made: a process that was stopped in between wakes up with the request in its queue.
          onRequestStart: (controller, context) => {
            handler.onRequestStart?.(controller, context);
            if (!this.holds())
              controller.abort(new KubeError("Fenced", "leadership was lost before the write was sent"));
          },
          onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
          onResponseStart: (...args) => handler.onResponseStart?.(...args),
          onResponseData: (...args) => handler.onResponseData?.(...args),
          onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
          onResponseError: (...args) => handler.onResponseError?.(...args),
        }),
    );
  }
}
