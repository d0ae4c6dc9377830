import type { JobStatus } from "../../api/index.ts";
import type { PodTime } from "./world.ts";

type GpuTime = Pick<JobStatus, "gpuSeconds" | "pods" | "countedUpTo">;

/** Listed in the status. The time of older ones is in its sum, for good: one that is seen again must not be counted again. */
const mostPods = 20;

/**
 * GPU time of a Job, of which pods come and go: what was counted for one that was drained and deleted stays counted
 * (decision 37). So it never shrinks.
 *
 * @param before  the status, whose sum has more than its list explains when pods are gone
 * @param seen    pods now, newest first
 */
export function gpuTime(before: GpuTime, seen: readonly PodTime[]): GpuTime {
  const counted = new Map(before.pods.map(({ uid, gpuSeconds }) => [uid, gpuSeconds]));
  const open = seen.filter(({ uid, madeAt }) => counted.has(uid) || !isOlder(madeAt, before.countedUpTo));
  const pods = open.map(({ uid, gpuSeconds }) => ({
    uid,
    gpuSeconds: Math.max(Math.round(gpuSeconds), counted.get(uid) ?? 0),
  }));
  const added = pods.map(({ uid, gpuSeconds }) => gpuSeconds - (counted.get(uid) ?? 0));
  const countedUpTo = open[mostPods]?.madeAt ?? before.countedUpTo;
  return {
    gpuSeconds: before.gpuSeconds + added.reduce((sum, seconds) => sum + seconds, 0),
    pods: pods.slice(0, mostPods),
    ...(countedUpTo === undefined ? {} : { countedUpTo }),
  };
}

function isOlder(madeAt: string, limit: string | undefined): boolean {
  return limit !== undefined && Date.parse(madeAt) <= Date.parse(limit);
}

/** Counted and not yet saved is lost with its pod: no more than this, and no write for every look. */
const mostUnsaved = 60;

export function isDue(before: GpuTime, now: GpuTime): boolean {
  return now.gpuSeconds - before.gpuSeconds >= mostUnsaved;
}
