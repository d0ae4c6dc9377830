import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { attacksOf, openStore, recordedAttacks, type Store } from "../registry/index.ts";
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
  for (const windows of [[], [], on, on, over]) {
    log.note(windows);
    await log.settled();
  }
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
  expect(await store.list(attacksOf(snapshots))).toHaveLength(2);
});

it("does not write again what another lease holder wrote", async () => {
  for (const log of [open(), open()]) {
    log.note(on);
    await log.settled();
  }
  expect(await store.list(attacksOf(snapshots))).toHaveLength(1);
});

it("writes what came meanwhile, and what the store did not take the first time", async () => {
  let refuses = true;
  const refusing: Store = {
    runs: store.runs,
    put: (name, from) => store.put(name, from),
    list: (name) => store.list(name),
    resolve: (uri) => store.resolve(uri),
    peek: (uri, file) => store.peek(uri, file),
    remove: (uri) => store.remove(uri),
    putFiles: (name, files) => (refuses ? Promise.reject(new Error("full")) : store.putFiles(name, files)),
  };
  const log = open(refusing);
  log.note(on);
  await log.settled();
  expect(faults.map(String)).toEqual(["Error: full"]);
  refuses = false;
  log.note(on);
  log.note(over);
  await log.settled();
  expect(await recordedAttacks(store, snapshots)).toEqual(over);
});
