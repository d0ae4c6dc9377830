import { mkdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

// Made for tests and used nowhere else: each signs itself, for gateway.test, until 2120.
export const first = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBXDCCAQKgAwIBAgIBATAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVmaXJzdDAg
Fw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowEDEOMAwGA1UEAwwFZmly
c3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARqms+Mx/EaHf9Wz0s2nuUAvM9A
niyoByjuxcWSCjh2LH2fp9jLkJWEx3ugT1diJmE9yHGsYFfAXwXoAVNI7jUmo0sw
STAXBgNVHREEEDAOggxnYXRld2F5LnRlc3QwDwYDVR0TAQH/BAUwAwEB/zAdBgNV
HQ4EFgQUYGu/72hZjMSWXHt+cBr88rUFfqgwCgYIKoZIzj0EAwIDSAAwRQIgIfBt
ZK+Bo3KCtsgCvAbI7rz/6cr43hMfirv4fVWCtfICIQC+PcGUcP/um2VjwToWrxHE
yX0ksTDgQTOD2p5yMNZ1mw==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgt1ZUqWImwiM9aDrG
SbzTkMGjz5sK+9IlFiZF2NUBgPOhRANCAARqms+Mx/EaHf9Wz0s2nuUAvM9Aniyo
ByjuxcWSCjh2LH2fp9jLkJWEx3ugT1diJmE9yHGsYFfAXwXoAVNI7jUm
-----END PRIVATE KEY-----
`,
};

export const second = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBXjCCAQSgAwIBAgIBATAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZzZWNvbmQw
IBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBExDzANBgNVBAMMBnNl
Y29uZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHLdjwbVp/wNCLhlIqQbD5t4
l/faEXglrce4XPE0wUI40pGaB8COzk5RA1pFJmQS6ZL4/geKx2xxU4UVZf2KZkOj
SzBJMBcGA1UdEQQQMA6CDGdhdGV3YXkudGVzdDAPBgNVHRMBAf8EBTADAQH/MB0G
A1UdDgQWBBRA79qSyu6UWnrHGC+cJymJP+ipizAKBggqhkjOPQQDAgNIADBFAiBs
ZKtJaFJrAfv5Asv9GlNrEFrAUrSHaqffNHwnsFzZnAIhALVqlp7QgLB4aMRWiZ1+
yBbXp21a9qFNr7wTqwCgVwT7
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3bnuusZerwod7JoL
gI0YoDUFF9hvWBbDlOuRuU0aWjKhRANCAARy3Y8G1af8DQi4ZSKkGw+beJf32hF4
Ja3HuFzxNMFCONKRmgfAjs5OUQNaRSZkEumS+P4HisdscVOFFWX9imZD
-----END PRIVATE KEY-----
`,
};

/** Brings a Secret's files up to date as kubelet does: a new folder beside the old one, and one link swapped to it. */
export async function mountSecret(folder: string, { cert, key }: { cert: string; key: string }): Promise<void> {
  const link = join(folder, "..data");
  const before = await readlink(link).catch(() => null);
  const next = `..${Number(before?.slice(2) ?? 0) + 1}`;
  await mkdir(join(folder, next), { recursive: true });
  await writeFile(join(folder, next, "tls.crt"), cert);
  await writeFile(join(folder, next, "tls.key"), key);
  await symlink(next, `${link}_tmp`);
  await rename(`${link}_tmp`, link);
  if (before === null) {
    for (const file of ["tls.crt", "tls.key"]) await symlink(join("..data", file), join(folder, file));
  } else {
    await rm(join(folder, before), { recursive: true });
  }
}
