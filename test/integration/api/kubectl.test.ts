import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ensureServers } from "../../../tools/servers.ts";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { samples } from "./objects.ts";

const run = promisify(execFile);
const cluster = inject("cluster");
const api = new KubernetesApi(cluster);
let namespace = "";
let kubectl: (...args: readonly string[]) => Promise<string>;

beforeAll(async () => {
  await installCrds(api);
  namespace = await makeNamespace(api, "api-kubectl");
  const servers = await ensureServers();
  kubectl = async (...args) => {
    const { stdout } = await run(servers.kubectl, ["--kubeconfig", cluster.adminKubeconfig, "-n", namespace, ...args], {
      env: { ...process.env, HOME: cluster.dir },
    });
    return stdout;
  };
});
afterAll(() => api.close());

describe("kubectl", () => {
  it("explains a field as documentation would", async () => {
    const text = await kubectl("explain", "embeddingservice.spec.rollout.steps");
    expect(text).toContain("The steps, weights ascending, the last one weight 100.");
    expect(text).toMatch(/mirror\s+<string>\s+Copy requests to the candidate/);
    const family = await kubectl("explain", "tm.spec.perturbations.family");
    expect(family).toMatch(/ENUM:\s+PixelNoise\s+Geometric\s/);
  });

  it.each(samples())("takes the sample %s as it is", async (file, objects) => {
    const path = `${import.meta.dirname}/../../../deploy/samples/${file}`;
    const out = await kubectl("apply", "--server-side", "--dry-run=server", "-f", path);
    expect(out.match(/^\S+ serverside-applied \(server dry run\)$/gm)).toHaveLength(objects.length);
  });

  it("lists every kind by category, short name and columns", async () => {
    const threatModel = samples()
      .flatMap(([, objects]) => objects)
      .find(({ metadata }) => metadata.name === "shop-images");
    await api.create(`/apis/evenkeel.dev/v1alpha1/namespaces/${namespace}/threatmodels`, threatModel);
    expect(await kubectl("get", "evenkeel")).toMatch(/threatmodel.*shop-images/);
    expect(await kubectl("get", "tm")).toMatch(/NAME\s+MODALITY\s+READY\s+AGE\nshop-images\s+Image/);
    for (const shortName of ["es", "rt", "mv", "mr"]) {
      await expect(kubectl("get", shortName, "-o", "name")).resolves.toBe("");
    }
  });
});
