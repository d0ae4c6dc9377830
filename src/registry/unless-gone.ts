import type { StoreUri } from "../api/index.ts";
import type { Store } from "./contract.ts";
import { StoreError } from "./error.ts";

/** @returns what `read` makes of an artefact's folder; null when it has been removed, be it while it was read */
export async function unlessGone<Value>(
  store: Store,
  uri: StoreUri,
  read: (folder: string) => Promise<Value>,
): Promise<Value | null> {
  try {
    return await read(await store.resolve(uri));
  } catch (error) {
    const gone = await store.resolve(uri).then(
      () => false,
      (now: unknown) => now instanceof StoreError && now.reason === "NotFound",
    );
    if (gone) return null;
    throw error;
  }
}
