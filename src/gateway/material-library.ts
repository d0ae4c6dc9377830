import { sleep } from "../kube/index.ts";
import { findPodReference, openStore } from "../registry/index.ts";
import { loadMaterial, type Material, noMaterial } from "./material.ts";
import type { MaterialRequest } from "./material-message.ts";

const retryMs = 5_000;

/** The material of the models in use, each loaded once for its baseline, and tried again while the store is away. */
export class MaterialLibrary {
  readonly #onLoaded: (material: Material) => void;
  readonly #onFault: (error: unknown) => void;
  readonly #loads = new Map<string, { key: string; stop: AbortController; material: Material | null }>();

  constructor(onLoaded: (material: Material) => void, onFault: (error: unknown) => void) {
    this.#onLoaded = onLoaded;
    this.#onFault = onFault;
  }

  /** Null while it is being loaded. */
  get(digest: string): Material | null {
    return this.#loads.get(digest)?.material ?? null;
  }

  /** Loads what is new; forgets models that are no longer asked for. */
  keep(requests: readonly MaterialRequest[]): void {
    for (const [digest, { stop }] of this.#loads) {
      if (requests.some(({ model }) => model.digest === digest)) continue;
      stop.abort();
      this.#loads.delete(digest);
    }
    for (const request of requests) {
      const key = JSON.stringify(request);
      const before = this.#loads.get(request.model.digest);
      if (before?.key === key) continue;
      before?.stop.abort();
      const stop = new AbortController();
      // What was known stays in force until the new is here.
      this.#loads.set(request.model.digest, { key, stop, material: before?.material ?? null });
      this.#load(request, stop.signal).catch(this.#onFault);
    }
  }

  stop(): void {
    for (const { stop } of this.#loads.values()) stop.abort();
    this.#loads.clear();
  }

  async #load(request: MaterialRequest, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const material = await loadMaterial(request);
        this.#put(material, signal);
        if (material.source !== "Awaited") return;
        await untilEmbedded(request, signal);
      } catch (error) {
        this.#onFault(error);
        // The service goes on without: that is this gateway's fault, not the pods'.
        const why = error instanceof Error ? error.message : String(error);
        if (!signal.aborted && this.get(request.model.digest) === null)
          this.#put(noMaterial(request.model.digest, why), signal);
        await sleep(retryMs, signal).catch(() => {});
      }
    }
  }

  #put(material: Material, signal: AbortSignal): void {
    const load = this.#loads.get(material.model);
    if (signal.aborted || !load) return;
    load.material = material;
    this.#onLoaded(material);
  }
}

/** Whichever gateway leads puts it into the store; the others look there. */
async function untilEmbedded({ store, service, model, dataset }: MaterialRequest, signal: AbortSignal): Promise<void> {
  if (store === null) return;
  const key = { service, model: model.digest, dataset };
  while (!signal.aborted && (await findPodReference(openStore(store), key)) === null) {
    await sleep(retryMs, signal).catch(() => {});
  }
}
