import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ApiError, type KubernetesApi } from "../kubernetes-api.ts";

/** Name of the default StorageClass, whose volumes are folders of this machine. */
export const folderClass = "folder";

interface Claim {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly spec: {
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly accessModes: readonly string[];
    readonly volumeMode?: string;
    readonly resources: { readonly requests: Readonly<Record<string, string>> };
  };
}

/** Makes a folder and a PersistentVolume for each claim of the class; the controller manager binds the two. */
export async function provideFolderVolumes(
  api: KubernetesApi,
  dir: string,
  signal: AbortSignal,
  trouble: (error: unknown) => void,
): Promise<void> {
  await api.apply(`/apis/storage.k8s.io/v1/storageclasses/${folderClass}`, {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: folderClass, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "evenkeel.dev/folder",
    volumeBindingMode: "Immediate",
  });
  void api.watch<Claim>(
    "/api/v1/persistentvolumeclaims",
    signal,
    ({ type, object }) => {
      if (type === "DELETED" || object.spec.storageClassName !== folderClass || object.spec.volumeName) return;
      void provide(api, dir, object).catch(trouble);
    },
    trouble,
  );
}

async function provide(api: KubernetesApi, dir: string, { metadata, spec }: Claim): Promise<void> {
  const name = `folder-${metadata.uid}`;
  const path = join(dir, "claims", `${metadata.namespace}-${metadata.name}-${metadata.uid.slice(0, 8)}`);
  await mkdir(path, { recursive: true, mode: 0o777 });
  try {
    await api.create("/api/v1/persistentvolumes", {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": "evenkeel.dev/folder" } },
      spec: {
        capacity: { storage: spec.resources.requests.storage },
        accessModes: spec.accessModes,
        persistentVolumeReclaimPolicy: "Retain",
        storageClassName: folderClass,
        hostPath: { path },
        claimRef: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace: metadata.namespace,
          name: metadata.name,
          uid: metadata.uid,
        },
      },
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  }
}
