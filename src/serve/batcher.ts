/** Too many inputs are waiting; the client is to come back later. */
export class Overloaded extends Error {
  override readonly name = "Overloaded";
}

type Waiting = {
  readonly inputs: readonly Numbers[];
  readonly resolve: (vectors: Float32Array[]) => void;
  readonly reject: (error: unknown) => void;
};
type Numbers = Uint8Array | Float32Array;

export type BatcherSettings = {
  /** numbers in an embedding */
  readonly dimension: number;
  /** inputs of one pass */
  readonly batchSize: number;
  /** inputs that may wait */
  readonly queueSize: number;
};

/**
 * Gathers what requests ask for at the same time into one pass of the model: a pass of 16 inputs takes hardly longer than
 * one of a single input. Nothing waits for company: what is there when the model is free goes.
 */
export class Batcher {
  readonly #embed: (inputs: Numbers) => Float32Array;
  readonly #settings: BatcherSettings;
  #queue: Waiting[] = [];
  #waiting = 0;
  #scheduled = false;

  /** @param embed  [n × input] → [n × dimension], synchronous */
  constructor(embed: (inputs: Numbers) => Float32Array, settings: BatcherSettings) {
    this.#embed = embed;
    this.#settings = settings;
  }

  /** @throws {Overloaded} */
  embed(inputs: readonly Numbers[]): Promise<Float32Array[]> {
    const { queueSize } = this.#settings;
    if (this.#waiting + inputs.length > queueSize) {
      throw new Overloaded(`${this.#waiting} inputs are waiting, at most ${queueSize} may`);
    }
    this.#waiting += inputs.length;
    return new Promise((resolve, reject) => {
      this.#queue.push({ inputs, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    // After the requests that are readable now have been read.
    setImmediate(() => {
      this.#scheduled = false;
      this.#pass();
      this.#schedule();
    });
  }

  #pass(): void {
    const taken: Waiting[] = [];
    let count = 0;
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      if (count > 0 && count + next.inputs.length > this.#settings.batchSize) break;
      taken.push(next);
      count += next.inputs.length;
      this.#queue.shift();
    }
    this.#waiting -= count;
    try {
      const vectors = this.#embed(join(taken.flatMap(({ inputs }) => inputs)));
      const { dimension } = this.#settings;
      let row = 0;
      for (const { inputs, resolve } of taken) {
        resolve(inputs.map(() => vectors.slice(row * dimension, ++row * dimension)));
      }
    } catch (error) {
      for (const { reject } of taken) reject(error);
    }
  }
}

/** All inputs have one kind and one size. */
function join(inputs: readonly Numbers[]): Numbers {
  const [first] = inputs;
  const size = first?.length ?? 0;
  const joined =
    first instanceof Uint8Array ? new Uint8Array(size * inputs.length) : new Float32Array(size * inputs.length);
  inputs.forEach((input, i) => joined.set(input, i * size));
  return joined;
}
