import { isStoreName, type StoreUri, storeUri } from "../api/index.ts";
import { StoreError } from "./error.ts";

/** The parts of `store://NAME@sha256:HEX`. */
export type Location = { readonly name: string; readonly digest: string };

/** @throws {StoreError} BadUri when it isn't a store URI or its name would leave the store */
export function parseUri(uri: string): Location {
  const parsed = storeUri.safeParse(uri);
  if (!parsed.success)
    throw new StoreError("BadUri", `${uri}: ${parsed.error.issues[0]?.message ?? "not a store URI"}`);
  const at = uri.lastIndexOf("@");
  const name = uri.slice("store://".length, at);
  checkName(name);
  return { name, digest: uri.slice(at + 1) };
}

export function formatUri({ name, digest }: Location): StoreUri {
  return `store://${name}@${digest}`;
}

/** @throws {StoreError} BadUri */
export function checkName(name: string): void {
  if (!isStoreName(name)) {
    throw new StoreError(
      "BadUri",
      `name ${JSON.stringify(name)}: each part between slashes must begin with a lower-case letter or digit, go on with those, '.', '_' or '-', and not begin with sha256-`,
    );
  }
}
