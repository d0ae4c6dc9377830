import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { first, mountSecret, second } from "./certificate.fixture.ts";
import { type CertificateError, followCertificate, readCertificate } from "./certificate.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "evenkeel-certificate-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("a certificate", () => {
  it("is read with its key and its end, through kubelet's links or from plain files", async () => {
    await mountSecret(folder, first);
    const read = await readCertificate(folder);
    expect(read).toEqual({ ...first, notAfter: new Date("2120-01-01T00:00:00Z") });
    const plain = join(folder, "..1");
    expect(await readCertificate(plain)).toEqual(read);
  });

  it.each([
    ["no certificate", { cert: "", key: first.key }, "tls.crt is no certificate in PEM"],
    ["no key", { cert: first.cert, key: "key" }, "tls.key is no private key in PEM"],
    ["another's key", { cert: first.cert, key: second.key }, "tls.key is not the key of the certificate"],
    [
      "a broken chain",
      { cert: `${first.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`, key: first.key },
      "tls.crt cannot be used",
    ],
  ])("with %s is refused, and the message names the file", async (_, secret, message) => {
    await mountSecret(folder, secret);
    await expect(readCertificate(folder)).rejects.toThrow(message);
  });

  it("that is missing is refused, and the message names the file", async () => {
    await expect(readCertificate(folder)).rejects.toThrow(`${join(folder, "tls.crt")}: ENOENT`);
    await writeFile(join(folder, "tls.crt"), first.cert);
    await expect(readCertificate(folder)).rejects.toThrow(`${join(folder, "tls.key")}: ENOENT`);
  });

  it("is followed: a new one is told once, a broken one once, and the one after it again", async () => {
    await mountSecret(folder, first);
    const renewed: string[] = [];
    const broken: CertificateError[] = [];
    const stop = new AbortController();
    const following = followCertificate(
      {
        folder,
        everyMs: 1,
        shown: await readCertificate(folder),
        onRenewed: ({ cert }) => renewed.push(cert),
        onBroken: (error) => broken.push(error),
      },
      stop.signal,
    );
    await mountSecret(folder, second);
    await vi.waitFor(() => expect(renewed).toEqual([second.cert]));
    await mountSecret(folder, { ...first, key: second.key });
    await vi.waitFor(() => expect(broken).toHaveLength(1));
    await mountSecret(folder, first);
    await vi.waitFor(() => expect(renewed).toEqual([second.cert, first.cert]));
    stop.abort();
    await following;
    expect(broken).toHaveLength(1);
  });
});
