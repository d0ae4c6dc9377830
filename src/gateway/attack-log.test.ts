import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { storeWith } from "../../test/harness/store-with.ts";
import { attacksOf, openStore, recordAttacks, recordedAttacks, type Store } from "../registry/index.ts";
import { AttackLog } from "./attack-log.ts";

const snapshots = "traffic/ns/svc";
const on = [{ from: 1000, to: null }];
const over = [{ from: 1000, to: 2000 }];
let folder: string;
let store: Store;
let faults: unknown[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "attacks-"));
  store = openStore(folder);
  faults = [];
});
afterEach(() => rm(folder, { recursive: true }));

const open = (to: Store = store): AttackLog =>
  new AttackLog({ store: to, snapshots, onFault: (error) => faults.push(error) });

it("writes what has changed, and nothing while there is nothing to say", async () => {
  const log = open();
  for (const [at, windows] of [[], [], on, on, over].entries()) {
    log.note({ at, windows });
    await log.settled();
  }
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
  expect(await store.list(attacksOf(snapshots))).toHaveLength(2);
});

it("reads the store once in a term, however many blocks there are", async () => {
  await recordAttacks(store, snapshots, on, 1);
  let reads = 0;
  const log = open(storeWith(store, { list: (name) => (reads++, store.list(name)) }));
  for (let at = 2; at < 20; at++) {
    log.note({ at, windows: on });
    await log.settled();
  }
  // Before it is first written, and by the write itself.
  expect(reads).toBe(2);
});

it("writes once in each term, so that what the holder before still writes is older", async () => {
  const before = open();
  before.note({ at: 1000, windows: on });
  await before.settled();
  const successor = open();
  for (const at of [3000, 4000]) {
    successor.note({ at, windows: over });
    await successor.settled();
  }
  // Under way in the holder before since it was stopped.
  await recordAttacks(store, snapshots, on, 2000);
  successor.note({ at: 5000, windows: over });
  await successor.settled();
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
  expect(await store.list(attacksOf(snapshots))).toHaveLength(3);
});

it("writes what came meanwhile, and what the store did not take the first time", async () => {
  let refuses = true;
  const refusing = storeWith(store, {
    putFiles: (name, files) => (refuses ? Promise.reject(new Error("full")) : store.putFiles(name, files)),
  });
  const log = open(refusing);
  log.note({ at: 1, windows: on });
  await log.settled();
  expect(faults.map(String)).toEqual(["Error: full"]);
  refuses = false;
  log.note({ at: 2, windows: on });
  log.note({ at: 3, windows: over });
  await log.settled();
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
});

it("hides nothing of what a later lease holder knew, and looks again until it is the later one", async () => {
  const [stopped, successor] = [open(), open()];
  successor.note({ at: 2000, windows: over });
  await successor.settled();
  stopped.note({ at: 1000, windows: on });
  await stopped.settled();
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
  // Its clock was behind, and it leads after all.
  stopped.note({ at: 3000, windows: on });
  await stopped.settled();
  expect(await recordedAttacks(store, snapshots)).toEqual(on);
});
