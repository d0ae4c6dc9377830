import { type BackoffOptions, backoffDelay } from "./backoff.ts";
import type { Selection, WatchEvent } from "./call-options.ts";
import type { Kube } from "./client.ts";
import { type Clock, sleep } from "./clock.ts";
import { KubeError } from "./error.ts";
import type { KubeObject } from "./object.ts";
import type { Resource } from "./resource.ts";

export interface ReflectorOptions {
  /** Objects a page of a list; default 500. */
  pageSize?: number;
  /** A silent stream is opened anew after this: its connection may be dead, or nothing has happened. Default 90 s. */
  idleTimeoutMs?: number;
  /** The server is asked to end each stream after 1 to 2 times this; default 300 s. */
  streamSeconds?: number;
  backoff?: BackoffOptions;
}

/** What the reflector tells, in this order: listing, page*, listed, then (changed, progressed)* until it lists again. */
export interface ReflectorEvents<T extends KubeObject> {
  listing(): void;
  page(items: readonly unknown[]): void;
  listed(resourceVersion: string): void;
  changed(batch: readonly WatchEvent<T>[]): void;
  progressed(resourceVersion: string): void;
  failed(error: KubeError): void;
}

const defaultBackoff: BackoffOptions = { baseMs: 250, maxMs: 30_000, jitter: 0.5 };
/** After this many failures without progress the version itself is suspect: a restored etcd counts from an older one. */
const failuresBeforeRelist = 6;
/** A stream that the server ends sooner than this, without an event, was a fault. */
const shortestStreamMs = 1_000;

/**
 * List, then watch from there, for ever.
 *
 * A broken, silent or ended stream is resumed from the last version seen; only when the server has forgotten that
 * version is the list read again. Lists read the newest state, never a cache that may lie behind what was already seen:
 * time does not run backwards when another API server answers.
 */
export async function follow<T extends KubeObject>(
  kube: Kube,
  resource: Resource<T>,
  selection: Selection,
  events: ReflectorEvents<T>,
  options: ReflectorOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { backoff = defaultBackoff, idleTimeoutMs = Infinity } = options;
  let version: string | null = null;
  let failures = 0;
  let paged = true;
  while (!signal.aborted) {
    const startedAt = clock.monotonic();
    let progress = false;
    try {
      version ??= await list(paged);
      for await (const batch of watch(version)) {
        events.changed(batch);
        version = versionOf(batch) ?? version;
        events.progressed(version);
        progress = true;
        failures = 0;
      }
      if (progress || clock.monotonic() - startedAt >= Math.min(shortestStreamMs, idleTimeoutMs / 2)) {
        failures = 0;
        continue;
      }
      throw new KubeError("Unavailable", `watch ${resource.plural}: ended at once without an event`);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = thrown instanceof KubeError ? thrown : new KubeError("Other", String(thrown), { cause: thrown });
      events.failed(error);
      // The pages of one list took longer than the server remembers: ask for all of it at once.
      paged = !(version === null && error.kind === "Expired");
      failures += 1;
      if (error.kind === "Expired" || failures % failuresBeforeRelist === 0) version = null;
      const wait = Math.max(error.retryAfter ?? 0, backoffDelay(failures, backoff));
      await sleep(wait, signal, clock).catch(() => {});
    }
  }

  async function list(inPages: boolean): Promise<string> {
    events.listing();
    let listedAs = "";
    const { pageSize = 500 } = options;
    for await (const page of kube.listPages(resource, { ...selection, pageSize: inPages ? pageSize : 0, signal })) {
      events.page(page.items);
      listedAs = page.resourceVersion;
    }
    events.listed(listedAs);
    return listedAs;
  }

  function watch(resourceVersion: string): AsyncIterable<WatchEvent<T>[]> {
    const { idleTimeoutMs, streamSeconds = 300 } = options;
    return kube.watch(resource, {
      ...selection,
      resourceVersion,
      // Spread out, so that streams opened together are not reopened together.
      timeoutSeconds: Math.ceil(streamSeconds * (1 + Math.random())),
      ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
      signal,
    });
  }
}

function versionOf<T extends KubeObject>(batch: readonly WatchEvent<T>[]): string | undefined {
  const last = batch.at(-1);
  if (!last) return undefined;
  return "object" in last ? last.object.metadata.resourceVersion : last.resourceVersion;
}
