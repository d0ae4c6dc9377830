import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StoreUri } from "../api/index.ts";
import type { Store } from "./contract.ts";
import { readDataset, sourceName } from "./dataset.ts";
import { absentAs } from "./files.ts";
import { parseSnapshot, segmentsOf, snapshotFile } from "./traffic.ts";
import { unlessGone } from "./unless-gone.ts";
import { formatUri, parseUri } from "./uri.ts";

/** A captured sample by reference: it can be looked at as long as its segment's TTL lasts, and says nothing afterwards. */
export type CapturedSample = { readonly segment: StoreUri; readonly row: number };

/**
 * Where inputs of a snapshot lie, in their order; those that no segment has any more are left out.
 *
 * @param sources  names of the inputs' sources
 */
export async function locateSamples(
  store: Store,
  snapshot: StoreUri,
  sources: readonly string[],
): Promise<CapturedSample[]> {
  const content = await unlessGone(store, snapshot, (folder) =>
    readFile(join(folder, snapshotFile)).catch(absentAs(null)),
  );
  const segments = (content && parseSnapshot(content)?.segments) ?? [];
  const found = new Map<string, CapturedSample>();
  const wanted = new Set(sources);
  for (const digest of segments) {
    const segment = formatUri({ name: segmentsOf(parseUri(snapshot).name), digest });
    const dataset = await unlessGone(store, segment, readDataset);
    for (let row = 0; row < (dataset?.count ?? 0); row++) {
      const id = dataset ? sourceName(dataset, row) : "";
      if (wanted.delete(id)) found.set(id, { segment, row });
    }
    if (wanted.size === 0) break;
  }
  return sources.flatMap((source) => found.get(source) ?? []);
}
