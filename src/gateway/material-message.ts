import type { StoreUri } from "../api/index.ts";
import type { ConsistencyThreshold, Matrix, Squeezer } from "../monitor/index.ts";
import type { WireInput } from "./protocols/index.ts";

export type MaterialRequest = {
  /** Root of the store; null when the gateway has none. */
  readonly store: string | null;
  readonly model: { readonly digest: string; readonly uri: string };
  readonly baseline: { readonly digest: string; readonly uri: string };
  readonly probes: number;
  readonly squeezers: readonly Squeezer[];
  /** What is embedded through the pods of a model that brings no reference, and for whom. */
  readonly service: { readonly namespace: string; readonly name: string };
  readonly dataset: StoreUri;
};

/** What a model's references are built of, wherever the store is mounted. */
export type MaterialOrigin = Pick<MaterialRequest, "model" | "baseline" | "service" | "dataset">;

/**
 * Where a model's probes and reference come from: its bundle; its pods, asked by a gateway; Awaited while the pods are to
 * be asked; Unreadable when the store does not say.
 */
export type MaterialSource = "Bundle" | "Pods" | "Awaited" | "Unreadable";

/** What the thread that reads a bundle answers. */
export type MaterialMessage =
  | {
      readonly kind: "Read";
      readonly source: MaterialSource;
      readonly dimension: number | null;
      readonly normalised: boolean;
      readonly probes: { readonly inputs: readonly WireInput[]; readonly expected: Matrix } | null;
      readonly drift: Uint8Array | null;
      readonly baseline: Uint8Array | "Same" | null;
      readonly thresholds: readonly (readonly [Squeezer, ConsistencyThreshold])[];
      readonly notes: readonly string[];
    }
  | { readonly kind: "Failed"; readonly why: string };
