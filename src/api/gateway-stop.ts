/**
 * What a gateway does when it is asked to stop, one after the other, and how long each may take, in ms. Its pod's grace
 * follows from it: kubelet kills whatever takes longer.
 */
export const gatewayStop = {
  /** It goes on taking new connections, until clients know. */
  drainMs: 3_000,
  /** Requests under way end. The last report goes out after these. */
  requestsMs: 20_000,
  /** Pods answer what they were asked besides: probes, mirrored requests and second opinions. */
  followUpsMs: 5_000,
  /** Captured samples, snapshots and evidence are written. */
  writesMs: 12_000,
} as const;

/** For the process itself, to be told and to exit. */
const besidesMs = 5_000;

/** Of a gateway's pod. */
export const gatewayGraceSeconds = Math.ceil(
  Object.values(gatewayStop).reduce<number>((sum, part) => sum + part, besidesMs) / 1000,
);
