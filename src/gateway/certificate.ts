import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createSecureContext } from "node:tls";
import { sleep } from "../kube/index.ts";

/** What the data port shows to clients, in PEM. */
export type Certificate = { readonly cert: string; readonly key: string; readonly notAfter: Date };

/** Files of a Secret of the type kubernetes.io/tls. */
const files = { cert: "tls.crt", key: "tls.key" } as const;

/** A certificate that cannot be shown. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

/**
 * Reads `tls.crt` and `tls.key` of a folder. kubelet renews a Secret by swapping one link that the names in the folder
 * lead through, and then deletes what it led to: both are read from where the first leads, so that they are of one Secret.
 *
 * @throws {CertificateError} when one is missing, is not PEM, or they do not belong together
 */
export async function readCertificate(folder: string): Promise<Certificate> {
  const leadsTo = async (): Promise<string> => dirname(await realpath(join(folder, files.cert)));
  const behind = await attempt(join(folder, files.cert), leadsTo);
  try {
    return await readPair(behind, folder);
  } catch (error) {
    if (behind !== (await attempt(join(folder, files.cert), leadsTo))) return await readCertificate(folder);
    throw error;
  }
}

async function readPair(behind: string, folder: string): Promise<Certificate> {
  const shown = { cert: join(folder, files.cert), key: join(folder, files.key) };
  const cert = await attempt(shown.cert, () => readFile(join(behind, files.cert), "utf8"));
  const key = await attempt(shown.key, () => readFile(join(behind, files.key), "utf8"));
  const leaf = await attempt(`${shown.cert} is no certificate in PEM`, () => new X509Certificate(cert));
  const secret = await attempt(`${shown.key} is no private key in PEM`, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret)) {
    throw new CertificateError(`${shown.key} is not the key of the certificate ${shown.cert}`);
  }
  await attempt(`${shown.cert} cannot be used`, () => createSecureContext({ cert, key }));
  return { cert, key, notAfter: leaf.validToDate };
}

async function attempt<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CertificateError(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

export type FollowOptions = {
  readonly folder: string;
  /** Looked at from time to time: events of links that are swapped are not the same on every file system. */
  readonly everyMs: number;
  /** What is shown already. */
  readonly shown: Certificate;
  readonly onRenewed: (certificate: Certificate) => void;
  /** Once for each state of the files that cannot be shown; what was shown stays. */
  readonly onBroken: (error: CertificateError) => void;
};

/** Tells of each certificate that takes the place of another, until `signal` is aborted. */
export async function followCertificate(
  { folder, everyMs, shown, onRenewed, onBroken }: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  let last = shown.cert + shown.key;
  while (!signal.aborted) {
    await sleep(everyMs, signal).catch(() => {});
    const found = await readCertificate(folder).catch(brokenOnly);
    const state = found instanceof CertificateError ? found.message : found.cert + found.key;
    if (state === last) continue;
    last = state;
    if (found instanceof CertificateError) onBroken(found);
    else onRenewed(found);
  }
}

function brokenOnly(error: unknown): CertificateError {
  if (error instanceof CertificateError) return error;
  throw error;
}
