import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { type EnvironmentSources, podField, resourceField } from "./environment.ts";
import { identityOf, NotYet, type Pod, type PodIdentity, type Volume } from "./pod.ts";

/** Folder or file of the machine that stands behind each volume, by the volume's name. */
export type VolumeSources = ReadonlyMap<string, string>;

export interface VolumeContext extends Pick<EnvironmentSources, "podIP" | "hostIP" | "allocatable"> {
  readonly api: KubernetesApi;
  /** Folder of this pod's own. */
  readonly folder: string;
}

/**
 * Makes the volumes of a pod.
 *
 * ConfigMaps and Secrets are read once; a later change reaches the pod when it is made anew.
 *
 * @throws {NotYet} when something that a volume needs does not exist yet
 */
export async function makeVolumes(pod: Pod, context: VolumeContext): Promise<VolumeSources> {
  const made = new Map<string, string>();
  for (const volume of pod.spec?.volumes ?? []) made.set(volume.name, await makeVolume(pod, volume, context));
  return made;
}

async function makeVolume(pod: Pod, volume: Volume, context: VolumeContext): Promise<string> {
  if (volume.hostPath) return volume.hostPath.path;
  if (volume.persistentVolumeClaim)
    return claimFolder(identityOf(pod), volume.persistentVolumeClaim.claimName, context);
  const folder = join(context.folder, volume.name);
  await mkdir(folder, { recursive: true });
  if (volume.emptyDir) {
    await chmod(folder, 0o777);
    return folder;
  }
  const sources = volume.projected?.sources ?? [volumeAsProjection(volume)];
  const mode = volume.projected?.defaultMode ?? volume.configMap?.defaultMode ?? volume.secret?.defaultMode ?? 0o644;
  for (const source of sources) {
    for (const file of await filesOf(pod, source, context)) {
      const path = join(folder, file.path);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.content);
      await chmod(path, file.mode ?? mode);
    }
  }
  return folder;
}

type Projection = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];

/** A Secret names itself differently as a volume and as a projection. */
function volumeAsProjection({ name, configMap, secret, downwardAPI }: Volume): Projection {
  if (configMap) return { configMap };
  if (downwardAPI) return { downwardAPI };
  if (secret) {
    const { secretName = "", items, optional } = secret;
    return { secret: { name: secretName, ...(items && { items }), ...(optional !== undefined && { optional }) } };
  }
  throw new NotYet("FailedMount", `volume ${name} has a type that the harness does not know`);
}

interface VolumeFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode?: number | undefined;
}

async function filesOf(pod: Pod, source: Projection, context: VolumeContext): Promise<readonly VolumeFile[]> {
  const { namespace } = identityOf(pod);
  if (source.configMap) {
    const { name = "", items, optional } = source.configMap;
    const found = await context.api.find<{ data?: Data; binaryData?: Data }>(
      `/api/v1/namespaces/${namespace}/configmaps/${name}`,
    );
    const data = found && { ...mapValues(found.binaryData, decode), ...found.data };
    return keyed(`configmap "${name}"`, data, items, optional);
  }
  if (source.secret) {
    const { name = "", items, optional } = source.secret;
    const found = await context.api.find<{ data?: Data }>(`/api/v1/namespaces/${namespace}/secrets/${name}`);
    return keyed(`secret "${name}"`, found && mapValues(found.data, decode), items, optional);
  }
  if (source.serviceAccountToken) {
    const { path, audience, expirationSeconds = 3600 } = source.serviceAccountToken;
    return [{ path, content: await tokenFor(pod, audience, expirationSeconds, context.api) }];
  }
  return (source.downwardAPI?.items ?? []).map(({ path, fieldRef, resourceFieldRef, mode }) => {
    if (fieldRef) return { path, mode, content: podField(pod, fieldRef.fieldPath, context) };
    const container = pod.spec?.containers.find(({ name }) => name === resourceFieldRef?.containerName);
    if (!resourceFieldRef || !container) throw new NotYet("FailedMount", `downwardAPI item ${path} names no container`);
    return { path, mode, content: resourceField(container, resourceFieldRef, context.allocatable) };
  });
}

type Data = Readonly<Record<string, string>>;

function keyed(
  what: string,
  data: Readonly<Record<string, string | Uint8Array>> | null,
  items: readonly { readonly key: string; readonly path: string; readonly mode?: number }[] | undefined,
  optional = false,
): readonly VolumeFile[] {
  if (data === null) {
    if (optional) return [];
    throw new NotYet("FailedMount", `${what} not found`);
  }
  if (!items) return Object.entries(data).map(([path, content]) => ({ path, content }));
  return items.flatMap(({ key, path, mode }) => {
    const content = data[key];
    if (content !== undefined) return [{ path, content, mode }];
    if (optional) return [];
    throw new NotYet("FailedMount", `${what} has no key ${key}`);
  });
}

function mapValues<T>(data: Data | undefined, change: (value: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, change(value)]));
}

function decode(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}

/** A token of the pod's account, bound to the pod: it is void once the pod is gone. */
async function tokenFor(pod: Pod, audience: string | undefined, seconds: number, api: KubernetesApi): Promise<string> {
  const { namespace, name, uid } = identityOf(pod);
  const account = pod.spec?.serviceAccountName ?? "default";
  const { status } = await api.create<{ status: { token: string } }>(
    `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        ...(audience && { audiences: [audience] }),
        expirationSeconds: seconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    },
  );
  return status.token;
}

async function claimFolder({ namespace }: PodIdentity, claim: string, { api }: VolumeContext): Promise<string> {
  const bound = await api.find<{ spec: { volumeName?: string }; status?: { phase?: string } }>(
    `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`,
  );
  if (!bound) throw new NotYet("FailedMount", `persistentvolumeclaim "${claim}" not found`);
  const volumeName = bound.spec.volumeName;
  if (bound.status?.phase !== "Bound" || !volumeName) throw new NotYet("FailedMount", `claim ${claim} is not bound`);
  const volume = await api.get<{ spec: { hostPath?: { path: string } } }>(`/api/v1/persistentvolumes/${volumeName}`);
  if (!volume.spec.hostPath) throw new NotYet("FailedMount", `volume ${volumeName} is no folder of this machine`);
  return volume.spec.hostPath.path;
}
