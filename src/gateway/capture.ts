import { snapshotsName } from "../api/index.ts";
import {
  contentId16,
  type Dataset,
  datasetFiles,
  encodeSafetensors,
  type Store,
  segmentsOf,
  sourceId16,
} from "../registry/index.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import { type Input, readInput, shapeOf } from "./inputs.ts";
import type { CapturedExchange } from "./observer.ts";
import { Unparsed } from "./protocols/index.ts";

export type CaptureOptions = {
  readonly store: Store;
  readonly namespace: string;
  readonly service: { readonly name: string; readonly uid: string };
  readonly pod: string;
  readonly metrics: GatewayMetrics;
  readonly onFault: (error: unknown) => void;
};

type Sample = {
  readonly input: Input;
  readonly client: Uint8Array;
  readonly at: number;
  readonly mark: SampleMark;
};

/** What the consistency probe said of a sample: evidence, which the training Job measures anew (decision 11). */
export type SampleMark = "Clean" | "Flagged" | "Unscored";
const markCodes = { Clean: 0, Flagged: 1, Unscored: 2 } as const;

/** What stands beside a segment, in `capture.json`. */
type CaptureDescription = {
  readonly from: string;
  readonly to: string;
  readonly samples: number;
  readonly flagged: number;
  readonly unscored: number;
};

export const captureFile = "capture.json";
export const marksFile = "marks.safetensors";
/** Samples of one segment, and how many may wait while the store is slow. */
const perSegment = 256;
const mostWaiting = 4096;

/**
 * Keeps sampled inputs in segments of the store, each an immutable dataset. Inputs leave the process only here, and only
 * while capture is on. Clients are hashed with the service's UID: a stored hash names nobody, nor the same client of
 * another service.
 */
export class Capture {
  readonly #options: CaptureOptions;
  #waiting: Sample[] = [];
  #underWay: Promise<void> | null = null;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  add({ exchange, request, indices, scores }: CapturedExchange, modality: Input["kind"]): void {
    const { metrics, service } = this.#options;
    const client =
      exchange.client === null ? new Uint8Array(16) : sourceId16(`client\n${service.uid}\n${exchange.client}`);
    for (const index of indices) {
      if (this.#waiting.length >= mostWaiting) {
        metrics.captured("dropped", 1);
        continue;
      }
      try {
        const input = readInput(request.inputs[index] ?? "", modality);
        const mark = scores === null ? "Unscored" : scores.which.has(index) ? "Flagged" : "Clean";
        this.#waiting.push({ input, client, at: exchange.at, mark });
      } catch (error) {
        if (!(error instanceof Unparsed)) throw error;
        metrics.captured("dropped", 1);
      }
    }
    if (this.#waiting.length >= perSegment && !this.#underWay) void this.flush();
  }

  /**
   * Resolves once all that waits now has gone. Never rejects: what the store does not take is counted and let go. One at a
   * time: a slow store gets fewer and larger segments.
   */
  async flush(): Promise<void> {
    while (this.#underWay) await this.#underWay;
    if (this.#waiting.length === 0) return;
    this.#underWay = this.#write().finally(() => {
      this.#underWay = null;
    });
    await this.#underWay;
  }

  async #write(): Promise<void> {
    const samples = this.#waiting;
    this.#waiting = [];
    const { store, namespace, service, metrics, onFault } = this.#options;
    // Samples of another shape are another dataset.
    for (const group of Map.groupBy(samples, ({ input }) => shapeOf(input).join("x")).values()) {
      try {
        await store.putFiles(segmentsName(namespace, service.name), segmentFiles(group));
        metrics.captured("stored", group.length);
      } catch (error) {
        metrics.captured("failed", group.length);
        onFault(error);
      }
    }
  }
}

export function segmentsName(namespace: string, service: string): string {
  return segmentsOf(snapshotsName(namespace, service));
}

/** @returns the files of a dataset with its marks and description */
function captureFiles(dataset: Dataset, marks: Uint8Array): Record<string, Uint8Array> {
  const times = dataset.times ?? new Float64Array(dataset.count);
  const description: CaptureDescription = {
    from: new Date(times.reduce((least, time) => Math.min(least, time), Infinity)).toISOString(),
    to: new Date(times.reduce((most, time) => Math.max(most, time), -Infinity)).toISOString(),
    samples: dataset.count,
    flagged: marks.filter((mark) => mark === markCodes.Flagged).length,
    unscored: marks.filter((mark) => mark === markCodes.Unscored).length,
  };
  return {
    ...datasetFiles(dataset),
    [captureFile]: Buffer.from(`${JSON.stringify(description, null, 2)}\n`),
    [marksFile]: encodeSafetensors({ marks: { dtype: "U8", shape: [marks.length], data: marks } }),
  };
}

function segmentFiles(samples: readonly Sample[]): Record<string, Uint8Array> {
  const [first] = samples;
  if (!first) throw new RangeError("a segment needs a sample");
  const shape = shapeOf(first.input);
  const size = shape.reduce((product, side) => product * side, 1);
  const count = samples.length;
  const columns = {
    shape,
    count,
    domainNames: ["base"],
    source: "captured traffic",
    sources: joined(
      samples.map(({ input }) => contentId16(input.kind === "Image" ? input.image.pixels : input.values)),
    ),
    clients: joined(samples.map(({ client }) => client)),
    times: Float64Array.from(samples, ({ at }) => at),
  };
  const marks = Uint8Array.from(samples, ({ mark }) => markCodes[mark]);
  if (first.input.kind === "Image") {
    const inputs = new Uint8Array(count * size);
    samples.forEach(({ input }, i) => input.kind === "Image" && inputs.set(input.image.pixels, i * size));
    return captureFiles({ ...columns, modality: "Image", inputs }, marks);
  }
  const inputs = new Float32Array(count * size);
  samples.forEach(({ input }, i) => input.kind === "Vector" && inputs.set(input.values, i * size));
  return captureFiles({ ...columns, modality: "Vector", inputs }, marks);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.length * 16);
  parts.forEach((part, i) => all.set(part, i * 16));
  return all;
}
