import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DemoRecord } from "../demo/record.ts";

let dir: string;
let record: DemoRecord;
let code: unknown;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "evenkeel-e2e-"));
  const file = join(dir, "demo.json");
  const demo = spawn(process.execPath, [join(import.meta.dirname, "../demo/main.ts"), "--json", file], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, KEEP: "", CLUSTER: "" },
  });
  [code] = await once(demo, "close");
  record = JSON.parse(await readFile(file, "utf8"));
}, 1_500_000);

afterAll(() => rm(dir, { recursive: true, force: true }));

describe("the demo", () => {
  it("ends each act as it should, and says so by its exit code", () => {
    expect(record.acts.map(({ name, asExpected, outcome }) => ({ name, asExpected, outcome }))).toEqual([
      { name: "drift", asExpected: true, outcome: "promoted what was proven, rejected what was not" },
      { name: "attack", asExpected: true, outcome: "protected at once, hardened, rolled out" },
      { name: "bad-candidate", asExpected: true, outcome: "rejected by a gate, rolled back by the analysis" },
    ]);
    expect(code).toBe(0);
  });

  it("raises no alarm before the world changes, and shares no image between its sets", () => {
    expect(record.acts.map(({ falseAlarmsBeforeOnset }) => falseAlarmsBeforeOnset)).toEqual([0, 0, 0]);
    expect(record.overlap).toBe(0);
  });

  it("proves with figures: better on the new domain, no worse on the old one and on the old index", () => {
    const { before, after } = record.acts[0]?.quality ?? {};
    expect(after?.shifted).toBeGreaterThan(before?.shifted ?? 1);
    expect(after?.clean).toBeGreaterThan((before?.clean ?? 1) - 0.02);
    expect(after?.oldIndexRecall).toBeGreaterThan((before?.oldIndexRecall ?? 1) - 0.02);
  });

  it("hardens under attack, and tags attacks rather than people", () => {
    const { quality, facts } = record.acts[1] ?? {};
    expect(quality?.after?.robust).toBeGreaterThan(quality?.before?.robust ?? 1);
    expect(facts?.["attacksTaggedShare"]).toBeGreaterThan(Number(facts?.["benignTaggedShare"]));
  });

  it("keeps an audit chain that is whole after each act, with one Job for each run's step", () => {
    for (const { auditVerified, jobsCreated, runs } of record.acts) {
      expect(auditVerified).toBe(true);
      expect(jobsCreated).toBe(runs.reduce((sum, { jobs }) => sum + jobs.length, 0));
    }
  });
});
