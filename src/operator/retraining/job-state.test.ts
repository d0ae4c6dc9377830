import { describe, expect, it } from "vitest";
import { trainResult } from "../../api/index.ts";
import { jobState } from "./job-state.ts";

const start = Date.parse("2026-11-24T08:00:00Z");
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();
const message = JSON.stringify({ kind: "Train", bundle: `store://models/shop@sha256:${"b".repeat(64)}` });

const job = (condition?: "Complete" | "Failed") => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "shop-1-train", namespace: "search", uid: "j", resourceVersion: "1", creationTimestamp: at(0) },
  status: { startTime: at(0), conditions: condition ? [{ type: condition, status: "True" }] : [] },
});

const ended = (name: string, seconds: number, exitCode = 0, said?: string) => ({
  ...container(name),
  state: { terminated: { exitCode, startedAt: at(0), finishedAt: at(seconds), ...(said ? { message: said } : {}) } },
});
const running = (name: string) => ({ ...container(name), state: { running: { startedAt: at(0) } } });
const container = (name: string) => ({ name, image: "i", imageID: "i", ready: true, restartCount: 0 });

const pod = (name: string, ...containerStatuses: (ReturnType<typeof ended> | ReturnType<typeof running>)[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "search", uid: name, resourceVersion: "1", creationTimestamp: at(0) },
  status: { containerStatuses },
});

const look = { role: "train", gpus: 2, parser: trainResult, now: start + 100_000 } as const;

describe("a Job whose pods have an injected container beside the trainer", () => {
  it("has the trainer's answer and time, whichever ended first", () => {
    const both = pod("a", ended("proxy", 5, 0, "bye"), ended("train", 60, 0, message));
    const state = jobState(job("Complete"), [both], look);
    expect(state).toMatchObject({ result: { kind: "Train" }, finishedAt: start + 60_000 });
    expect(state.pods).toEqual([{ uid: "a", madeAt: at(0), gpuSeconds: 120 }]);
  });

  it("is at work while only the other has ended", () => {
    const both = pod("a", ended("proxy", 5, 0, message), running("train"));
    expect(jobState(job(), [both], look)).toMatchObject({ result: null, end: null, pods: [{ gpuSeconds: 200 }] });
  });

  it("has ended with the trainer while the other goes on", () => {
    const both = pod("a", running("proxy"), ended("train", 60, 13));
    expect(jobState(job("Failed"), [both], look).pods).toEqual([{ uid: "a", madeAt: at(0), gpuSeconds: 120 }]);
  });
});

describe("a Job that is kept from its work", () => {
  it("says which pod does not run, and why", () => {
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "no GPU" }];
    const unplaced = { ...pod("a"), status: { phase: "Pending", conditions } };
    expect(jobState(job(), [unplaced], look).trouble).toMatch(/^Pod .* is Pending: Unschedulable: no GPU$/);
    expect(jobState(job(), [pod("a", running("train"))], look).trouble).toBeNull();
  });

  it("says that its queue has not let it begin", () => {
    expect(jobState({ ...job(), spec: { suspend: true, template: {} } }, [], look).trouble).toBe(
      "Job shop-1-train is suspended",
    );
  });
});

describe("a Job of several pods", () => {
  it("that succeeded has the answer of the pod that did", () => {
    const pods = [pod("a", ended("train", 10, 1)), pod("b", ended("train", 20, 0, message))];
    expect(jobState(job("Complete"), pods, look)).toMatchObject({
      result: { kind: "Train" },
      pods: [
        { uid: "b", gpuSeconds: 40 },
        { uid: "a", gpuSeconds: 20 },
      ],
    });
    expect(jobState(job("Complete"), pods.slice(0, 1), look).unreadable).toContain("is gone");
  });
});
