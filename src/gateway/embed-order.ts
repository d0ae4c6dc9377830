import type { EmbeddingServiceSpec, StoreUri } from "../api/index.ts";

/** What the gateway that leads has embedded through the pods of a model that brings no reference. */
export type EmbedOrder = {
  /** Root of the store. */
  readonly store: string;
  readonly service: { readonly namespace: string; readonly name: string };
  readonly model: { readonly digest: string; readonly uri: string };
  readonly dataset: StoreUri;
  readonly protocol: EmbeddingServiceSpec["protocol"];
  readonly port: number;
  /**
   * The ready ones that serve the model, in a steady order. The first embeds everything, so that nothing is learnt from two
   * models; the others are asked whether they agree.
   */
  readonly pods: readonly { readonly name: string; readonly address: string }[];
};

/** What the thread that carries out an order answers. */
export type EmbedMessage =
  /** `vectors`: those that pods were asked for; 0 when another gateway was first. */
  | { readonly kind: "Embedded"; readonly uri: StoreUri; readonly vectors: number }
  | { readonly kind: "Failed"; readonly why: string };
