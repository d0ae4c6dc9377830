import { z } from "zod";

/** The API group and version of the five kinds. */
export const group = "evenkeel.dev";
export const version = "v1alpha1";

/** A digest of content: `sha256:` and 64 hexadecimal digits. */
export const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: followed by 64 hexadecimal digits")
  .max(71);
export type Digest = z.infer<typeof digest>;

/** Where a bundle or a dataset lies in the store: `store://name/of/it@sha256:…`. */
export const storeUri = z
  .string()
  .regex(
    /^store:\/\/[a-z0-9]([a-z0-9._/-]*[a-z0-9])?@sha256:[0-9a-f]{64}$/,
    "must be store://NAME@sha256:DIGEST, NAME of lower-case letters, digits, '.', '_', '-' and '/'",
  )
  .max(253);
export type StoreUri = z.infer<typeof storeUri>;

/** Whether artefacts may have this name: a path that stays in the store and hits no artefact's own folder. */
export function isStoreName(name: string): boolean {
  const fits = name.split("/").every((part) => /^[a-z0-9][a-z0-9._-]*$/.test(part) && !part.startsWith("sha256-"));
  return fits && storeUri.safeParse(`store://${name}@sha256:${"0".repeat(64)}`).success;
}

/** The name in `store://NAME@sha256:…`; null when it is no such URI. */
export function storeName(uri: string): string | null {
  if (!storeUri.safeParse(uri).success) return null;
  const name = uri.slice("store://".length, uri.lastIndexOf("@"));
  return isStoreName(name) ? name : null;
}

/** Where a model lies: in the store, or wherever its server finds it. */
export const modelUri = z.string().min(1).max(512);

/** A duration of one unit, such as 90s, 5m, 6h or 30d (decision 38). */
export const duration = z
  .string()
  .regex(/^[0-9]+(s|m|h|d)$/, "must be a whole number with one unit: s, m, h or d, such as 90s or 30d")
  .max(8);

/** A duration that is not zero. */
export const positiveDuration = z
  .string()
  .regex(/^[1-9][0-9]*(s|m|h|d)$/, "must be a whole number above 0 with one unit: s, m, h or d, such as 90s or 30d")
  .max(8);

const secondsPer = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** @returns a duration's length in milliseconds */
export function milliseconds(text: string): number {
  const unit = text.slice(-1);
  if (unit !== "s" && unit !== "m" && unit !== "h" && unit !== "d") {
    throw new RangeError(`duration ${text}: the unit must be s, m, h or d`);
  }
  return Number(text.slice(0, -1)) * secondsPer[unit] * 1000;
}

/** The name of an object of the same namespace (DNS-1123 subdomain). */
export const objectName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be a DNS-1123 subdomain")
  .min(1)
  .max(253);

/** The short name of an entry of a list, used in conditions, labels and metrics (DNS-1123 label). */
export const entryName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be a DNS-1123 label")
  .min(1)
  .max(63);

/** An instant, RFC 3339 in UTC. */
export const instant = z.iso.datetime().max(32);

/** A Kubernetes quantity such as 500m or 2Gi. */
export const quantity = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/, "must be a quantity such as 500m or 2Gi")
  .max(20);
