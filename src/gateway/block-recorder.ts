import { blockAt, mergeSketches, type Sketch, type Sketcher, sketcher } from "../monitor/index.ts";
import type { Material } from "./material.ts";

/** What one gateway, or the fleet, saw of one model in one block. */
export type ModelBlock = {
  readonly model: string;
  readonly block: number;
  /** Vectors that were taken in. */
  readonly n: number;
  /** By the hash of the reference that each was made against. */
  readonly sketches: ReadonlyMap<string, Sketch>;
  /** Inputs that the consistency probe scored, and flagged. */
  readonly scored: number;
  readonly flagged: number;
};

type Open = { model: string; block: number; n: number; sketches: Map<string, Sketch>; scored: number; flagged: number };

/**
 * Statistics of the blocks of one process, by model: a canary's vectors never come into the stable's (decision 6).
 */
export class BlockRecorder {
  readonly #blockMs: number;
  readonly #keep: number;
  readonly #blocks = new Map<string, Open>();
  readonly #sketchers = new Map<string, { reference: string; sketcher: Sketcher }[]>();

  /**
   * @param blockMs  length of a block
   * @param keep     blocks that are kept for a lease holder that comes late
   */
  constructor(blockMs: number, keep: number) {
    this.#blockMs = blockMs;
    this.#keep = keep;
  }

  /** Sketches of a model are made against its references from now on. */
  watch({ model, drift, baseline }: Material): void {
    const references = new Map(
      [drift, baseline].flatMap((reference) => (reference ? [[reference.hash, reference]] : [])),
    );
    this.#sketchers.set(
      model,
      [...references.values()].map((reference) => ({ reference: reference.hash, sketcher: sketcher(reference) })),
    );
  }

  /** @param vectors  checked ones of the model's dimension */
  add(model: string, at: number, vectors: readonly Float32Array[]): void {
    const open = this.#open(model, at);
    open.n += vectors.length;
    for (const { reference, sketcher } of this.#sketchers.get(model) ?? []) {
      let sketch = open.sketches.get(reference);
      if (!sketch) {
        sketch = sketcher.start(open.block);
        open.sketches.set(reference, sketch);
      }
      for (const vector of vectors) sketcher.add(sketch, vector);
    }
  }

  addFlags(model: string, at: number, scored: number, flagged: number): void {
    const open = this.#open(model, at);
    open.scored += scored;
    open.flagged += flagged;
  }

  /** @returns blocks of a model after `after` that have ended by `now`, in order */
  ended(model: string, after: number, now: number): ModelBlock[] {
    const current = blockAt(now, this.#blockMs);
    return [...this.#blocks.values()]
      .filter((open) => open.model === model && open.block > after && open.block < current)
      .sort((a, b) => a.block - b.block);
  }

  #open(model: string, at: number): Open {
    const block = blockAt(at, this.#blockMs);
    const key = `${model} ${block}`;
    let open = this.#blocks.get(key);
    if (!open) {
      open = { model, block, n: 0, sketches: new Map(), scored: 0, flagged: 0 };
      this.#blocks.set(key, open);
      for (const [old, { block: number }] of this.#blocks) if (number <= block - this.#keep) this.#blocks.delete(old);
    }
    return open;
  }
}

/** @returns one block of several gateways' blocks of the same model and number; null of none */
export function mergeBlocks(blocks: readonly ModelBlock[]): ModelBlock | null {
  return blocks.reduce<ModelBlock | null>((merged, next) => (merged ? mergeTwo(merged, next) : next), null);
}

function mergeTwo(a: ModelBlock, b: ModelBlock): ModelBlock {
  const sketches = new Map(a.sketches);
  for (const [reference, sketch] of b.sketches) {
    const other = sketches.get(reference);
    sketches.set(reference, other ? mergeSketches(other, sketch) : sketch);
  }
  return { ...a, n: a.n + b.n, sketches, scored: a.scored + b.scored, flagged: a.flagged + b.flagged };
}
