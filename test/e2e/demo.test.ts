import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DemoRecord } from "../demo/record.ts";

let dir: string;
let record: DemoRecord;
let code: unknown;
let said = "";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "evenkeel-e2e-"));
  const file = join(dir, "demo.json");
  const demo = spawn(process.execPath, [join(import.meta.dirname, "../demo/main.ts"), "--json", file], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, KEEP: "", CLUSTER: "" },
  });
  demo.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    process.stdout.write(text);
  });
  [code] = await once(demo, "close");
  record = JSON.parse(await readFile(file, "utf8"));
}, 1_500_000);

afterAll(() => rm(dir, { recursive: true, force: true }));

/** Commands of this machine's processes that name a folder. */
async function commandsWith(folder: string): Promise<string[]> {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    // A process may end meanwhile.
    processes.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return commands.filter((command) => command.includes(folder));
}

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

  it("tells where to look, shows how far the work is, and leaves nothing behind", async () => {
    expect(said).toMatch(/dashboard {3}http:\/\/127\.0\.0\.1:\d+/);
    expect(said).toMatch(/Prometheus {2}http:\/\/127\.0\.0\.1:\d+/);
    expect(said.match(/report {6}file:\/\/\S+report\.html/g)).toHaveLength(5);
    expect(said).toMatch(/█+░* \d+% \S+ training/);
    const folder = /KUBECONFIG=(\S*evenkeel-demo-[^/]+)/.exec(said)?.[1] ?? "";
    expect(folder).not.toBe("");
    expect(existsSync(folder)).toBe(false);
    expect(await commandsWith(folder)).toEqual([]);
  });

  it("measures each act: before and after, and when what came", () => {
    for (const { times, quality } of record.acts) {
      for (const at of [times.onset, times.detection, times.retraining, times.gates, times.end])
        expect(at).toBeGreaterThan(0);
      for (const measured of [quality.before, quality.after]) {
        expect(measured?.samples).toBeGreaterThan(4000);
        expect(measured?.attacked).toBe(200);
        expect(measured?.clean).toBeGreaterThan(0.9);
        expect(measured?.oldIndexRecall).toBeGreaterThan(0.9);
        expect(measured?.robust).toBeGreaterThan(0);
      }
    }
    expect(record.acts[2]?.quality.after).toEqual(record.acts[2]?.quality.before);
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
    expect(facts?.["attacksTaggedShare"]).toBeGreaterThan(0.5);
    expect(facts?.["benignTaggedShare"]).toBeLessThan(0.1);
    expect(facts?.["capturedInAttack"]).toBeGreaterThan(0);
  });

  it("goes in order, and up the steps of the policy", () => {
    for (const { times, rollouts } of record.acts.slice(0, 2)) {
      const { onset, detection, retraining, gates, promotion, end } = times;
      const order = [onset, detection, retraining, gates, promotion, end].map(Number);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(new Set(order).size).toBe(6);
      expect(rollouts[0]?.weights.map(({ weight }) => weight)).toEqual([0, 5, 25, 100]);
    }
    const back = record.acts[2]?.rollouts[0];
    expect(back).toMatchObject({ phase: "RolledBack", reason: "AnalysisFailed" });
    expect(back?.weights.at(-1)?.weight).toBe(0);
  });

  it("says of each run what its gates said", () => {
    const runs = record.acts.flatMap((act) => act.runs);
    expect(runs.map(({ phase, reason }) => `${phase} ${reason}`)).toEqual([
      "Published GatesPassed",
      "Rejected NotProven",
      "Published GatesPassed",
      "Rejected GateFailed",
      "Published GatesPassed",
    ]);
    for (const { phase, gates } of runs) {
      expect(gates.length).toBeGreaterThan(5);
      const pass = gates.every(({ verdict }) => verdict === "Pass" || verdict === "Warn");
      expect(pass).toBe(phase === "Published");
    }
  });

  it("keeps an audit chain that is whole after each act, with one Job for each run's step", () => {
    for (const { auditVerified, auditEntries, jobsCreated, runs } of record.acts) {
      expect(auditVerified).toBe(true);
      expect(auditEntries).toBeGreaterThan(5);
      expect(jobsCreated).toBe(runs.reduce((sum, { jobs }) => sum + jobs.length, 0));
    }
  });
});
