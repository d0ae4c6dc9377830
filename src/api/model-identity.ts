import { hash } from "node:crypto";

/**
 * By what everything knows a model: the digest that its URI pins, or the SHA-256 of the whole URI when it pins none
 * (decision 35). Gateways and the operator must agree on it to the letter.
 */
export function modelIdentity(uri: string): { readonly digest: string; readonly pinned: boolean } {
  const pinned = /@(sha256:[0-9a-f]{64})$/.exec(uri)?.[1];
  return pinned === undefined
    ? { digest: `sha256:${hash("sha256", uri, "hex")}`, pinned: false }
    : { digest: pinned, pinned: true };
}
