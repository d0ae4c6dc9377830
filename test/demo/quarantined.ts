import { snapshotsName } from "../../src/api/index.ts";
import { isAttacked, readDataset, recordedAttacks, segmentsOf } from "../../src/registry/index.ts";
import type { Demo } from "./demo.ts";
import { names } from "./manifests.ts";

/** How many inputs were captured, and how many of them no training may use, as they came in an attack. */
export async function quarantined({ stage }: Demo): Promise<{ set: number; all: number }> {
  const snapshots = snapshotsName(names.namespace, names.service);
  const store = await stage.storeOf(snapshots);
  const windows = await recordedAttacks(store, snapshots);
  const counted = { set: 0, all: 0 };
  for (const uri of await store.list(segmentsOf(snapshots))) {
    const { times = new Float64Array(0) } = await readDataset(await store.resolve(uri));
    counted.all += times.length;
    counted.set += times.filter((time) => isAttacked(windows, time)).length;
  }
  return counted;
}
