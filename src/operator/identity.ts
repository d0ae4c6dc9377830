import { storeUri } from "../api/index.ts";
import { canonical, sha256 } from "../audit/index.ts";

/** Whether a model lies in the store, where evenkeel's own images find it. */
export function isInStore(uri: string): boolean {
  return storeUri.safeParse(uri).success;
}

/** The first hexadecimal digits of a digest. */
export function short(digest: string, digits: 8 | 12): string {
  return digest.replace(/^sha256:/, "").slice(0, digits);
}

/** `sha256:…` over the canonical JSON of a value. */
export function digestOf(value: unknown): string {
  return sha256(canonical(value));
}

/**
 * A cause's id. Equal facts give the same id in every process and after every crash, so that a cause has one run; the
 * digest of the data is among them, so that a latched cause may be tried again when its data changed (decision 8).
 */
export function causeId(facts: Readonly<Record<string, string | number>>): string {
  return digestOf(facts).slice("sha256:".length, "sha256:".length + 10);
}

/** A seed in [0, 2^31) that follows from an id. */
export function seedOf(id: string): number {
  return Number.parseInt(digestOf(id).slice("sha256:".length, "sha256:".length + 8), 16) >>> 1;
}

export const names = {
  modelVersion: (service: string, digest: string): string => `${service}-${short(digest, 12)}`,
  retraining: (service: string, cause: string): string => `${service}-${cause}`,
  rollout: (service: string, digest: string, n: number): string => `${service}-${short(digest, 12)}-${n}`,
  pool: (workload: string, digest: string): string => `${workload}-evenkeel-${short(digest, 8)}`,
  gateway: (service: string): string => `${service}-gateway`,
  auditSegment: (uid: string, segment: number): string => `evenkeel-audit-${uid}-${segment}`,
} as const;
