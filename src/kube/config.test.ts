import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { loadCredentials } from "./config.ts";

afterEach(() => vi.unstubAllEnvs());

it("without a kubeconfig says how to give one", async () => {
  for (const name of ["KUBECONFIG", "KUBERNETES_SERVICE_HOST"]) vi.stubEnv(name, "");
  vi.stubEnv("HOME", "/nowhere");
  await expect(loadCredentials({})).rejects.toThrow("no kubeconfig: set KUBECONFIG, give --kubeconfig");
});

it("of a kubeconfig that cannot be read tells the file, and nothing of what stands in it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "evenkeel-kubeconfig-"));
  const kubeconfig = join(dir, "config");
  await writeFile(kubeconfig, "{token: s3cret, [");
  const error: unknown = await loadCredentials({ kubeconfig }).catch((reason: unknown) => reason);
  await rm(dir, { recursive: true });
  expect(String(error)).toContain(`kubeconfig ${kubeconfig} cannot be read: `);
  expect(String(error)).not.toContain("s3cret");
});
