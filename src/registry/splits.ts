import { createHash } from "node:crypto";

/**
 * What an input may be used for: to fit weights, to steer the curriculum, to calibrate thresholds and make references,
 * to measure gates, to prove the end result.
 */
export const splits = ["train", "control", "calibration", "gate", "proof"] as const;
export type Split = (typeof splits)[number];

/** The share of each split. Calibration is large because a reference block is used at most once (decision 2). */
export const splitShares: Readonly<Record<Split, number>> = {
  train: 0.55,
  control: 0.04,
  calibration: 0.25,
  gate: 0.1,
  proof: 0.06,
};

/** The salt that training and evaluation share, so that no input changes its split between them. */
export const defaultSalt = "evenkeel";

/** The first 16 bytes of the SHA-256 of a source id, as they stand in a dataset's `sources`. */
export function sourceId16(source: string): Uint8Array {
  return createHash("sha256").update(source).digest().subarray(0, 16);
}

/**
 * The source of an input that names none: its content. Equal inputs are one source, whether they were captured or packed, and
 * stay on one side of every split.
 */
export function contentId16({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): Uint8Array {
  const content = new Uint8Array(buffer, byteOffset, byteLength);
  return createHash("sha256").update(content).digest().subarray(0, 16);
}

/**
 * The split of an input, by its source id alone and before any transformation (decision 14): all copies, crops and
 * perturbed versions of one source fall into the same split, in every process.
 */
export function splitOf(sourceId: Uint8Array, salt: string = defaultSalt): Split {
  const hash = createHash("sha256").update(salt).update("\0").update(sourceId).digest();
  const draw = hash.readUIntBE(0, 6) / 2 ** 48;
  let below = 0;
  for (const split of splits) {
    below += splitShares[split];
    if (draw < below) return split;
  }
  return "proof";
}
