import { type Container, type Image, NotYet, type Pod } from "./pod.ts";
import { quantity } from "./quantity.ts";

/** What the environment of a container may refer to, beside its pod. */
export interface EnvironmentSources {
  readonly podIP: string;
  readonly hostIP: string;
  /** Of the node: what a limit counts as when the container has none. */
  readonly allocatable: Readonly<Record<string, string>>;
  /** Data of a ConfigMap of the pod's namespace, null when there is none. */
  readonly configMap: (name: string) => Promise<Readonly<Record<string, string>> | null>;
  /** Decoded data of a Secret of the pod's namespace, null when there is none. */
  readonly secret: (name: string) => Promise<Readonly<Record<string, string>> | null>;
}

/**
 * The environment of a container, in the order in which the kubelet lets one value stand over another: image, then
 * `envFrom`, then `env`, with `$(NAME)` expanded.
 *
 * @throws {NotYet} CreateContainerConfigError, when something that is not optional does not exist
 */
export async function environmentOf(
  pod: Pod,
  container: Container,
  image: Image,
  sources: EnvironmentSources,
): Promise<Record<string, string>> {
  const env: Record<string, string> = { HOSTNAME: pod.metadata?.name ?? "", ...image.env };
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? required(await sources.configMap(configMapRef.name ?? ""), "configmap", configMapRef)
      : secretRef
        ? required(await sources.secret(secretRef.name ?? ""), "secret", secretRef)
        : {};
    for (const [name, value] of Object.entries(data)) env[prefix + name] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) {
      env[name] = expand(value ?? "", env);
      continue;
    }
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    if (fieldRef) env[name] = podField(pod, fieldRef.fieldPath, sources);
    if (resourceFieldRef) env[name] = resourceField(container, resourceFieldRef, sources.allocatable);
    if (configMapKeyRef) {
      const data = await sources.configMap(configMapKeyRef.name ?? "");
      const text = keyOf(data, "configmap", configMapKeyRef);
      if (text !== null) env[name] = text;
    }
    if (secretKeyRef) {
      const data = await sources.secret(secretKeyRef.name ?? "");
      const text = keyOf(data, "secret", secretKeyRef);
      if (text !== null) env[name] = text;
    }
  }
  return env;
}

/** Command line of a container: its own command and args over those of the image, `$(NAME)` expanded. */
export function commandOf(container: Container, image: Image, env: Readonly<Record<string, string>>): string[] {
  const own = container.command ?? [];
  const command = own.length > 0 ? own : image.entrypoint;
  const args = container.args ?? (own.length > 0 ? [] : (image.cmd ?? []));
  return [...command, ...args].map((word) => expand(word, env));
}

/** `$(NAME)` becomes the value of NAME where it is known and stays as it is where not; `$$` becomes `$`. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)/g, (found, name: string | undefined) =>
    name === undefined ? "$" : (env[name] ?? found),
  );
}

/** Value of a downward-API field path. */
export function podField(
  pod: Pod,
  path: string,
  { podIP, hostIP }: Pick<EnvironmentSources, "podIP" | "hostIP">,
): string {
  const { name = "", namespace = "", uid = "", labels = {}, annotations = {} } = pod.metadata ?? {};
  const simple: Readonly<Record<string, string>> = {
    "metadata.name": name,
    "metadata.namespace": namespace,
    "metadata.uid": uid,
    "spec.nodeName": pod.spec?.nodeName ?? "",
    "spec.serviceAccountName": pod.spec?.serviceAccountName ?? "",
    "status.podIP": podIP,
    "status.podIPs": podIP,
    "status.hostIP": hostIP,
    "status.hostIPs": hostIP,
    "metadata.labels": keyValueLines(labels),
    "metadata.annotations": keyValueLines(annotations),
  };
  const one = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (one) return (one[1] === "labels" ? labels : annotations)[one[2] ?? ""] ?? "";
  const value = simple[path];
  if (value === undefined) throw new NotYet("CreateContainerConfigError", `field path ${path} is not known`);
  return value;
}

/** Value of `limits.cpu` and the like, divided and rounded up as the kubelet does. */
export function resourceField(
  container: Container,
  { resource, divisor }: { readonly resource: string; readonly divisor?: string },
  allocatable: Readonly<Record<string, string>>,
): string {
  const [kind, ...rest] = resource.split(".");
  const name = rest.join(".");
  const own = kind === "limits" ? container.resources?.limits?.[name] : container.resources?.requests?.[name];
  const amount = quantity(own ?? (kind === "limits" ? (allocatable[name] ?? "0") : "0"));
  const unit = divisor && divisor !== "0" ? quantity(divisor) : 1;
  return String(Math.ceil(amount / unit));
}

function keyValueLines(entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted()
    .join("\n");
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
}

function required(data: Readonly<Record<string, string>> | null, kind: string, reference: Reference) {
  if (data === null && !reference.optional) throw missing(`${kind} "${reference.name}" not found`);
  return data ?? {};
}

function keyOf(
  data: Readonly<Record<string, string>> | null,
  kind: string,
  reference: Reference & { readonly key: string },
): string | null {
  const value = data?.[reference.key];
  if (value !== undefined) return value;
  if (reference.optional) return null;
  if (data === null) throw missing(`${kind} "${reference.name}" not found`);
  throw missing(`couldn't find key ${reference.key} in ${kind} ${reference.name}`);
}

function missing(message: string): NotYet {
  return new NotYet("CreateContainerConfigError", message);
}
