import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
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

it("does not write again what another lease holder wrote", async () => {
  for (const [at, log] of [open(), open()].entries()) {
    log.note({ at, windows: on });
    await log.settled();
  }
  expect(await store.list(attacksOf(snapshots))).toHaveLength(1);
});

it("writes what came meanwhile, and what the store did not take the first time", async () => {
  let refuses = true;
  const refusing: Store = {
    runs: store.runs,
    put: (name, from) => store.put(name, from),
    tryWriting: (name) => store.tryWriting(name),
    list: (name) => store.list(name),
    resolve: (uri) => store.resolve(uri),
    peek: (uri, file) => store.peek(uri, file),
    remove: (uri) => store.remove(uri),
    putFiles: (name, files) => (refuses ? Promise.reject(new Error("full")) : store.putFiles(name, files)),
  };
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

it("hides nothing of what a later lease holder knew, and is told when another's came late", async () => {
  const [stopped, successor] = [open(), open()];
  successor.note({ at: 2000, windows: over });
  await successor.settled();
  stopped.note({ at: 1000, windows: on });
  await stopped.settled();
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
  await recordAttacks(store, snapshots, on, 2500);
  successor.note({ at: 3000, windows: over });
  await successor.settled();
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
});
