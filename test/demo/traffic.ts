import { encode } from "fast-png";
import { type Images, image, side } from "./mnist.ts";
import { told } from "./story.ts";

/** What a client sends: an image, and what only the demo knows of it. */
export type Sample = { readonly pixels: Uint8Array; readonly kind: "benign" | "attack" };

/** Requests and what became of them, since the last reset. */
export type Tally = {
  sent: number;
  answered: number;
  failed: number;
  /** attack requests sent, and of them tagged or blocked */
  attacks: number;
  caught: number;
  /** benign requests sent, and of them tagged or blocked */
  benign: number;
  hit: number;
};

const empty = (): Tally => ({ sent: 0, answered: 0, failed: 0, attacks: 0, caught: 0, benign: 0, hit: 0 });

/** An image as the protocols carry it: a data URI with a grey PNG. */
export function dataUri(pixels: Uint8Array): string {
  const png = encode({ width: side, height: side, data: pixels, channels: 1, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}

/** Goes through the images in an order drawn anew for each pass. */
export function cycle(images: Images, random: () => number): () => Uint8Array {
  const order = images.sources.map((_, i) => i);
  let at = order.length;
  return () => {
    if (at >= order.length) {
      for (let i = order.length - 1; i > 0; i--) {
        const j = Math.floor(random() * (i + 1));
        const swap = order[i] ?? 0;
        order[i] = order[j] ?? 0;
        order[j] = swap;
      }
      at = 0;
    }
    return image(images, order[at++] ?? 0);
  };
}

/** A steady stream of single-image requests of many clients to the gateways, at a set rate, until it is stopped. */
export class Traffic {
  tally = empty();
  /** the last failure, for people */
  lastFailure = "";
  readonly #gateways: () => readonly string[];
  readonly #clients: number;
  readonly #inflight = new Set<Promise<void>>();
  #next: () => Sample;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;

  /**
   * @param gateways base URLs of the gateways that are ready now
   * @param next     draws the next sample
   * @param clients  number of client keys, used in turn
   */
  constructor(gateways: () => readonly string[], next: () => Sample, clients = 400) {
    this.#gateways = gateways;
    this.#next = next;
    this.#clients = clients;
  }

  /** @param perSecond requests a second */
  start(perSecond: number): void {
    this.stop();
    this.#timer = setInterval(() => {
      const sending = this.#send().finally(() => this.#inflight.delete(sending));
      this.#inflight.add(sending);
    }, 1000 / perSecond);
  }

  /** From now on samples are drawn by this. */
  draw(next: () => Sample): void {
    this.#next = next;
  }

  reset(): void {
    this.tally = empty();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Stops, and waits for the answers that are under way. */
  async end(): Promise<void> {
    this.stop();
    await Promise.all(this.#inflight);
  }

  async #send(): Promise<void> {
    const gateways = this.#gateways();
    const tally = this.tally;
    const gateway = gateways[this.#turn % gateways.length];
    const client = `client-${this.#turn % this.#clients}`;
    this.#turn += 1;
    const { pixels, kind } = this.#next();
    tally.sent += 1;
    tally[kind === "attack" ? "attacks" : "benign"] += 1;
    if (!gateway) {
      tally.failed += 1;
      this.lastFailure = "no gateway is ready";
      return;
    }
    try {
      const answer = await fetch(`${gateway}/v1/embeddings`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-client": client },
        body: JSON.stringify({ input: dataUri(pixels), encoding_format: "base64" }),
        signal: AbortSignal.timeout(10_000),
      });
      const body = await answer.text();
      const stopped = answer.status === 422 || answer.headers.has("x-evenkeel-anomaly");
      if (stopped) tally[kind === "attack" ? "caught" : "hit"] += 1;
      if (answer.ok || answer.status === 422) tally.answered += 1;
      else {
        tally.failed += 1;
        this.lastFailure = `${answer.status} ${body.slice(0, 160)}`;
      }
    } catch (error) {
      tally.failed += 1;
      this.lastFailure = told(error);
    }
  }
}
