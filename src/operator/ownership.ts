import type { Deployment } from "../kube/index.ts";

/** Who owns the field of a workload. */
export type Ownership =
  | { readonly kind: "Ours" }
  | { readonly kind: "OwnedBy"; readonly managers: readonly string[] }
  | { readonly kind: "Unknown"; readonly message: string };

/**
 * Who owns a field of a Deployment as the cache has it, by container and variable: until that changes the answer is the
 * same, and goes with it.
 */
export type Ownerships = WeakMap<Deployment, Map<string, Ownership>>;
