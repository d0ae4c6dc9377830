import type { Store } from "./contract.ts";
import { FileStore } from "./file-store.ts";

/** @param root the store's folder, usually from EVENKEEL_STORE */
export function openStore(root: string): Store {
  return new FileStore(root);
}
