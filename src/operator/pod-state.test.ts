import { describe, expect, it } from "vitest";
import type { Pod } from "./objects.ts";
import { troubleOf } from "./pod-state.ts";

const pod = (status: Pod["status"], deletionTimestamp?: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "shop-1-train-x", namespace: "search", ...(deletionTimestamp ? { deletionTimestamp } : {}) },
  ...(status ? { status } : {}),
});
const container = (reason: string, message?: string) => ({
  name: "train",
  image: "trainer",
  imageID: "",
  ready: false,
  restartCount: 0,
  state: { waiting: { reason, ...(message ? { message } : {}) } },
});
const unplaced = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes have a GPU" };

describe("a pod's trouble", () => {
  it.each([
    [
      "cannot be placed",
      { phase: "Pending", conditions: [unplaced] },
      "Pod shop-1-train-x is Pending: Unschedulable: 0/3 nodes have a GPU",
    ],
    [
      "has an image that cannot be had",
      { phase: "Pending", containerStatuses: [container("ImagePullBackOff", 'Back-off pulling image "trainer"')] },
      'Pod shop-1-train-x is Pending: ImagePullBackOff of container train: Back-off pulling image "trainer"',
    ],
    [
      "has an init container that cannot be made",
      {
        phase: "Pending",
        initContainerStatuses: [container("CreateContainerConfigError", 'secret "s" not found')],
        containerStatuses: [container("PodInitializing")],
      },
      'Pod shop-1-train-x is Pending: CreateContainerConfigError of container train: secret "s" not found',
    ],
    [
      "fails again and again",
      { phase: "Running", containerStatuses: [container("CrashLoopBackOff")] },
      "Pod shop-1-train-x is Running: CrashLoopBackOff of container train",
    ],
  ])("one that %s is named with the reason", (_, status, expected) => {
    expect(troubleOf(pod(status))).toBe(expected);
  });

  it.each<[string, Pod]>([
    ["is not looked at yet", pod(undefined)],
    ["starts", pod({ phase: "Pending", containerStatuses: [container("ContainerCreating")] })],
    ["runs", pod({ phase: "Running", containerStatuses: [{ ...container(""), state: { running: {} } }] })],
    ["is being deleted", pod({ phase: "Pending", conditions: [unplaced] }, "2026-11-24T08:00:00Z")],
    ["has ended", pod({ phase: "Failed", conditions: [unplaced] })],
  ])("one that %s has none", (_, one) => {
    expect(troubleOf(one)).toBeNull();
  });
});
