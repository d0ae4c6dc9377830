import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadCredentials } from "./config.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "evenkeel-kubeconfig-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** A kubeconfig with one context, which is its current one. */
async function written(name: string, server: string, change: object = {}): Promise<string> {
  const path = join(dir, name);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server, ...change } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

it("without a kubeconfig says how to give one", async () => {
  for (const name of ["KUBECONFIG", "KUBERNETES_SERVICE_HOST"]) vi.stubEnv(name, "");
  vi.stubEnv("HOME", "/nowhere");
  await expect(loadCredentials({})).rejects.toThrow("no kubeconfig: set KUBECONFIG, give --kubeconfig");
});

it("of a kubeconfig that cannot be read tells the file, and nothing of what stands in it", async () => {
  const kubeconfig = join(dir, "config");
  await writeFile(kubeconfig, "{token: s3cret, [");
  const error: unknown = await loadCredentials({ kubeconfig }).catch((reason: unknown) => reason);
  expect(String(error)).toContain(`kubeconfig ${kubeconfig} cannot be read: `);
  expect(String(error)).not.toContain("s3cret");
});

describe("a list in KUBECONFIG", () => {
  it("is taken as by kubectl: without what is not there, and the first current context decides", async () => {
    const [a, b] = [await written("a", "https://a.test"), await written("b", "https://b.test")];
    vi.stubEnv("KUBECONFIG", [join(dir, "gone"), "", a, b, a].join(delimiter));
    expect((await loadCredentials({})).server.href).toBe("https://a.test/");
    expect((await loadCredentials({ context: "b" })).server.href).toBe("https://b.test/");
  });

  it("of which nothing is there is an error", async () => {
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    vi.stubEnv("KUBECONFIG", [a, b].join(delimiter));
    await expect(loadCredentials({})).rejects.toThrow(
      `no kubeconfig: KUBECONFIG names ${a}, ${b}, where there is none`,
    );
  });
});

it("a server without TLS is used only when the kubeconfig says so", async () => {
  const plain = "http://127.0.0.1:8001";
  await expect(loadCredentials({ kubeconfig: await written("a", plain) })).rejects.toThrow(
    `the kubeconfig's server ${plain} has no TLS: give an https address, or set insecure-skip-tls-verify`,
  );
  const kubeconfig = await written("a", plain, { "insecure-skip-tls-verify": true });
  expect((await loadCredentials({ kubeconfig })).server.href).toBe(`${plain}/`);
});
