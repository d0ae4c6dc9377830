import { crds } from "../../src/api/crd.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";
import { waitFor } from "./wait.ts";

interface Established {
  status?: { conditions?: { type: string; status: string }[] };
}

/** Puts the five kinds into the API server, or their newest schema, and waits until it serves them. */
export async function installCrds(api: KubernetesApi): Promise<void> {
  for (const crd of crds()) {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
    await api.apply(path, crd);
    await waitFor(`${crd.spec.names.kind} to be served`, async () => {
      const { status } = await api.get<Established>(path);
      return status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
    });
    const [version] = crd.spec.versions;
    // Established says that the names are taken; the handler follows a moment later.
    await waitFor(`${crd.spec.names.plural} to be listed`, () =>
      api.find(`/apis/${crd.spec.group}/${version?.name}/${crd.spec.names.plural}?limit=1`),
    );
  }
}
