/** An input as it stands in a request: text or a data URI, or numbers. */
export type WireInput = string | readonly number[];

/** A request for embeddings, read. */
export type EmbeddingRequest = {
  readonly inputs: readonly WireInput[];
  /** Everything else in the request, such as the model's name: a request made after it carries the same. */
  readonly fields: Readonly<Record<string, unknown>>;
};

/** What went wrong, as the gateway tells it. */
type Failure = { readonly status: number; readonly title: string; readonly detail: string };

/** How inputs and vectors are put into HTTP bodies. */
export interface Protocol {
  /** Of requests for embeddings, by POST. */
  readonly path: string;
  /** @throws {Unparsed} */
  readRequest(body: Uint8Array): EmbeddingRequest;
  /**
   * @returns one vector for each input, in the inputs' order; a number that is not finite is NaN or infinite here
   * @throws {Unparsed}
   */
  readAnswer(body: Uint8Array): readonly Float32Array[];
  /** Whether a request asks for other vectors than the model's own: shortened ones, or ones that are not normalised. */
  alters(fields: EmbeddingRequest["fields"]): boolean;
  /** A request for other inputs with the fields of a given one. */
  writeRequest(inputs: readonly WireInput[], fields: EmbeddingRequest["fields"]): Buffer;
  /** Where this protocol's clients look for the reason of a failure: members of the answer's JSON object. */
  readonly errorFields: (failure: Failure) => Readonly<Record<string, unknown>>;
}

export type UnparsedReason = "json" | "shape" | "empty" | "size" | "encoding" | "input";

/** A body that the statistics cannot read. It has passed all the same. */
export class Unparsed extends Error {
  override readonly name = "Unparsed";
  readonly reason: UnparsedReason;

  constructor(reason: UnparsedReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
