import { type SqueezedInputs, scoreSqueezed, squeezeInputs, type Uniform } from "./consistency-probe.ts";
import { decodeContent } from "./content-encoding.ts";
import { embed } from "./embed.ts";
import type { Guard, GuardVerdict, PendingScore } from "./guard.ts";
import type { Input } from "./inputs.ts";
import type { Material } from "./material.ts";
import type { Protocol } from "./protocols/index.ts";
import type { Upstream } from "./upstream.ts";

export type ConsistencyGuardOptions = Pick<Guard, "mode" | "maxDelay" | "maxBytes"> & {
  readonly protocol: Protocol;
  readonly modality: Input["kind"];
  readonly material: (digest: string) => Material | null;
  readonly random: Uniform;
};

/** The whole batch is scored: what is left out could be the attack. */
const mostInputs = 1024;

/** Protection by the consistency probe: the squeezed inputs are embedded by the same pod, beside the request itself. */
export class ConsistencyGuard implements Guard {
  readonly mode: Guard["mode"];
  readonly maxDelay: number;
  readonly maxBytes: number;
  readonly #options: ConsistencyGuardOptions;

  constructor(options: ConsistencyGuardOptions) {
    this.#options = options;
    this.mode = options.mode;
    this.maxDelay = options.maxDelay;
    this.maxBytes = options.maxBytes;
  }

  begin(request: Buffer, upstream: Upstream): PendingScore {
    const givenUp = new AbortController();
    const embedded = this.#embedSqueezed(request, upstream, givenUp.signal);
    embedded.catch(() => {});
    return {
      judge: async (answer, encoding) => {
        try {
          return await this.#judge(await embedded, answer, encoding);
        } catch (error) {
          return { kind: "Unscored", reason: error instanceof Error ? error.message : String(error) };
        }
      },
      cancel: () => givenUp.abort(),
    };
  }

  async #embedSqueezed(
    request: Buffer,
    upstream: Upstream,
    signal: AbortSignal,
  ): Promise<{ squeezed: SqueezedInputs; again: Float32Array[] } | null> {
    // The request itself goes first.
    await new Promise(setImmediate);
    const { protocol, modality, material, random } = this.#options;
    const { inputs, fields } = protocol.readRequest(request);
    const thresholds = material(upstream.digest)?.thresholds ?? new Map();
    if (inputs.length > mostInputs) return null;
    const squeezed = squeezeInputs(inputs, modality, thresholds, mostInputs, random);
    return squeezed && { squeezed, again: await embed(upstream, protocol, squeezed.wire, fields, signal) };
  }

  async #judge(
    embedded: { squeezed: SqueezedInputs; again: Float32Array[] } | null,
    answer: Buffer,
    encoding: string | null,
  ): Promise<GuardVerdict> {
    if (!embedded) return { kind: "Unscored", reason: "no squeezer has a threshold" };
    const { protocol, maxBytes, random } = this.#options;
    const vectors = protocol.readAnswer(await decodeContent(answer, encoding, maxBytes * 8));
    const { score, scored, flagged, which } = scoreSqueezed(embedded.squeezed, vectors, embedded.again, random);
    if (scored < embedded.squeezed.indices.length) return { kind: "Unscored", reason: "not every input has a vector" };
    return { kind: flagged > 0 ? "Flagged" : "Clean", score, scored, flagged, which };
  }
}
