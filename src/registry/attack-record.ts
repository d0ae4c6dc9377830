import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { jsonOf } from "../api/index.ts";
import type { Store } from "./contract.ts";
import { DatasetError } from "./dataset.ts";
import { unlessGone } from "./unless-gone.ts";

/** A stretch of time in which a service was attacked, in ms of Unix time: from `from` until before `to`. */
export type AttackWindow = {
  readonly from: number;
  /** Null while the attack is on. */
  readonly to: number | null;
};

const recordSchema = z.object({
  at: z.int().describe("End of the block that it is as of, ms of Unix time: the latest record counts."),
  windows: z.array(z.object({ from: z.int(), to: z.int().nullable() })).max(1000),
});

const recordFile = "attacks.json";
/** Records that are kept, so that a reader that has just listed them finds the newest. */
const keptRecords = 8;

/** Where it is written when a service was attacked whose snapshots have this name. */
export function attacksOf(snapshots: string): string {
  return `${snapshots}/attacks`;
}

/**
 * Writes the windows anew, all of them.
 *
 * @param at  end of the block that they are as of, ms: one that comes late does not hide what was known after it
 */
export async function recordAttacks(
  store: Store,
  snapshots: string,
  windows: readonly AttackWindow[],
  at: number,
): Promise<void> {
  const name = attacksOf(snapshots);
  const before = await store.list(name);
  const record: z.input<typeof recordSchema> = { at, windows: [...windows] };
  await store.putFiles(name, { [recordFile]: Buffer.from(`${JSON.stringify(record, null, 2)}\n`) });
  for (const uri of before.slice(0, Math.max(0, before.length + 1 - keptRecords))) await store.remove(uri);
}

/** The newest record; one of no time when the service has never been attacked. */
export type AttackRecord = { readonly at: number; readonly windows: readonly AttackWindow[] };

/**
 * @throws {StoreError} Corrupt
 * @throws {DatasetError} Malformed: rather no traffic than that of an attack
 */
export async function attackRecord(store: Store, snapshots: string): Promise<AttackRecord> {
  const records = await Promise.all(
    (await store.list(attacksOf(snapshots))).map((uri) =>
      unlessGone(store, uri, async (folder) => {
        const record = recordSchema.safeParse(jsonOf(await readFile(join(folder, recordFile), "utf8")));
        if (!record.success) throw new DatasetError("Malformed", `${uri}: ${recordFile} is not a record of attacks`);
        return record.data;
      }),
    ),
  );
  return records
    .flatMap((record) => record ?? [])
    .reduce<AttackRecord>((best, next) => (next.at > best.at ? next : best), { at: -Infinity, windows: [] });
}

/** When the service was attacked, as far as it is known now; throws like `attackRecord`. */
export async function recordedAttacks(store: Store, snapshots: string): Promise<readonly AttackWindow[]> {
  return (await attackRecord(store, snapshots)).windows;
}

export function isAttacked(windows: readonly AttackWindow[], time: number): boolean {
  return windows.some(({ from, to }) => time >= from && (to === null || time < to));
}
