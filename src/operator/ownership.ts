/** Who owns the field of a workload. */
export type Ownership =
  | { readonly kind: "Ours" }
  | { readonly kind: "OwnedBy"; readonly managers: readonly string[] }
  | { readonly kind: "Unknown"; readonly message: string };
