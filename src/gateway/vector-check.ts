import { type EmbeddingRequest, type Protocol, Unparsed } from "./protocols/index.ts";

/** What is wrong with a vector, as in the metric of invalid vectors. */
export type VectorFault = (typeof vectorFaults)[number];
export const vectorFaults = ["not_finite", "length", "norm"] as const;

/** How a model's vectors are. */
export type VectorForm = {
  /** Numbers of one; null while that is not known. */
  readonly dimension: number | null;
  /** Whether each has the norm 1. */
  readonly normalised: boolean;
};

/** Of a model that nothing is known of. */
export const anyForm: VectorForm = { dimension: null, normalised: false };

/**
 * How far from 1 the norm of a normalised vector may be. A server that computes in bfloat16 (unit roundoff u = 2^-8)
 * rounds the norm and then each quotient: at most u for the one, and of the others, which average out, far less. float16
 * and the digits of JSON lose less.
 */
const normTolerance = 0.01;

/** @returns null when nothing is wrong */
export function vectorFault(vector: Float32Array, { dimension, normalised }: VectorForm): VectorFault | null {
  if (vector.length === 0 || (dimension !== null && vector.length !== dimension)) return "length";
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!Number.isFinite(squares)) return "not_finite";
  if (normalised) return Math.abs(Math.sqrt(squares) - 1) <= normTolerance ? null : "norm";
  return squares > 0 ? null : "norm";
}

export type CheckedAnswer = {
  /** Of each vector. */
  readonly faults: readonly (VectorFault | null)[];
  /** The client asked for other vectors than the model's own: they fit no reference, and no fault is the model's. */
  readonly altered: boolean;
};

/**
 * What is wrong with an answer's vectors. A client that asks for shortened or raw ones must not make a model look broken,
 * and a rollout fail: such a request is held to no form.
 *
 * @param request  as it was sent; null when it was too large to keep, which says nothing of what was asked for
 */
export function checkAnswer(
  vectors: readonly Float32Array[],
  form: VectorForm,
  protocol: Protocol,
  request: Buffer | null,
): CheckedAnswer {
  const faults = vectors.map((vector) => vectorFault(vector, form));
  // Requests are read only where something is off: most of them never are.
  const altered = faults.some((fault) => fault !== null) && mayAlter(protocol, request);
  return { faults: altered ? vectors.map((vector) => vectorFault(vector, anyForm)) : faults, altered };
}

function mayAlter(protocol: Protocol, request: Buffer | null): boolean {
  if (request === null) return true;
  let fields: EmbeddingRequest["fields"];
  try {
    ({ fields } = protocol.readRequest(request));
  } catch (error) {
    if (!(error instanceof Unparsed)) throw error;
    return true;
  }
  return protocol.alters(fields);
}
