import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureServers, type Servers } from "../../tools/servers.ts";
import { type Child, lastWords, startChild } from "./child.ts";
import { serviceAccountAccess, writeKubeconfig } from "./kubeconfig.ts";
import { type Access, KubernetesApi } from "./kubernetes-api.ts";
import { freePorts } from "./ports.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { waitFor } from "./wait.ts";

export interface ControlPlaneOptions {
  /** `Whole`: with controller manager and scheduler. `ApiServer`: only etcd and the API server, about 2 s faster. */
  readonly parts?: "Whole" | "ApiServer";
  /** Users besides `admin`, with a token and a kubeconfig of their own. */
  readonly users?: readonly { readonly name: string; readonly groups?: readonly string[] }[];
  readonly apiServerFlags?: readonly string[];
  readonly controllerManagerFlags?: readonly string[];
  readonly schedulerFlags?: readonly string[];
  /** Folder for data, logs and kubeconfigs, kept at the end. Default: a temporary one, removed at the end. */
  readonly dir?: string;
}

export interface ControlPlane extends Access {
  readonly dir: string;
  /** Path of the kubeconfig of `admin` (group system:masters). */
  readonly adminKubeconfig: string;
  readonly servers: Servers;
  /** The API server's certificate and key; nodes of the harness answer with them too. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** Path of a user's kubeconfig; throws for a user that wasn't named at the start. */
  readonly kubeconfig: (user: string) => string;
  /** Writes a kubeconfig for a ServiceAccount and gives its path. */
  readonly serviceAccountKubeconfig: (namespace: string, name: string) => Promise<string>;
  readonly api: KubernetesApi;
  readonly stop: () => Promise<void>;
}

/**
 * Starts a real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler.
 *
 * There is no kubelet; `startNodes` of the folder `node` runs pods as local processes. Nothing outlives this process.
 *
 * @throws with the last lines of each log when it is not ready within 60 s
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const servers = await ensureServers();
  try {
    return await startOnce(servers, options);
  } catch (error) {
    // Somebody else may have taken one of the free ports in the meantime.
    if (error instanceof Error && error.message.includes("address already in use")) return startOnce(servers, options);
    throw error;
  }
}

async function startOnce(servers: Servers, options: ControlPlaneOptions): Promise<ControlPlane> {
  const dir = options.dir ?? (await temporaryFolder("cluster"));
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const tokens = await prepare(dir, options);
  const children: Child[] = [];
  const start = (name: keyof Servers, args: readonly string[]) => {
    const child = startChild({ name, command: servers[name], args, log: join(dir, "logs", `${name}.log`) });
    children.push(child);
    return child;
  };

  const url = `https://127.0.0.1:${apiPort}`;
  const stop = async () => {
    // Clients before servers, etcd last, so that nobody logs that its server is gone.
    for (const child of children.toReversed()) await child.stop();
    if (!options.dir) await rm(dir, { recursive: true, force: true });
  };
  try {
    start("etcd", etcdFlags(dir, etcdPort, peerPort));
    start("kube-apiserver", [...apiServerFlags(dir, etcdPort, apiPort), ...(options.apiServerFlags ?? [])]);
    const ca = await untilReady(url, dir, tokens.admin ?? "", children);
    const access: Access = { url, ca, token: tokens.admin ?? "" };
    const kubeconfigs = await Promise.all(
      Object.entries(tokens).map(
        async ([user, token]) =>
          [user, await writeKubeconfig(join(dir, `${user}.kubeconfig`), { ...access, token }, user)] as const,
      ),
    );
    const paths = new Map(kubeconfigs);
    const kubeconfig = (user: string) => {
      const path = paths.get(user);
      if (!path) throw new Error(`no user ${user}: ${[...paths.keys()].join(", ")} exist`);
      return path;
    };
    const api = new KubernetesApi(access);
    if (options.parts !== "ApiServer") {
      start("kube-controller-manager", [
        ...controllerManagerFlags(dir, kubeconfig("admin")),
        ...(options.controllerManagerFlags ?? []),
      ]);
      start("kube-scheduler", [...schedulerFlags(kubeconfig("admin")), ...(options.schedulerFlags ?? [])]);
      await orDeath(
        children,
        waitFor("the default ServiceAccount", () => api.find(defaultAccount)),
      );
    }
    return {
      ...access,
      dir,
      servers,
      certificate: { cert: ca, key: await readFile(join(dir, "certificates", "apiserver.key"), "utf8") },
      api,
      kubeconfig,
      adminKubeconfig: kubeconfig("admin"),
      serviceAccountKubeconfig: async (namespace, name) =>
        writeKubeconfig(
          join(dir, `${namespace}-${name}.kubeconfig`),
          await serviceAccountAccess(access, namespace, name),
          name,
          namespace,
        ),
      stop: async () => {
        await api.close();
        await stop();
      },
    };
  } catch (error) {
    const logs = await Promise.all(children.map((child) => lastWords(child)));
    await stop();
    throw new Error(`the control plane did not start: ${String(error)}\n\n${logs.join("\n\n")}`, { cause: error });
  }
}

const defaultAccount = "/api/v1/namespaces/default/serviceaccounts/default";

/** Folders, key pair for ServiceAccount tokens, static user tokens. */
async function prepare(dir: string, { users = [] }: ControlPlaneOptions): Promise<Record<string, string>> {
  for (const folder of ["logs", "certificates", "etcd"]) await mkdir(join(dir, folder), { recursive: true });
  const keys = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  await writeFile(join(dir, "service-account.pub"), keys.publicKey);
  await writeFile(join(dir, "service-account.key"), keys.privateKey, { mode: 0o600 });
  const everyone = [{ name: "admin", groups: ["system:masters"] }, ...users].map((user) => ({
    ...user,
    token: randomBytes(24).toString("base64url"),
  }));
  const lines = everyone.map(({ token, name, groups = [] }) => `${token},${name},${name},"${groups.join(",")}"\n`);
  await writeFile(join(dir, "tokens.csv"), lines.join(""), { mode: 0o600 });
  return Object.fromEntries(everyone.map(({ name, token }) => [name, token]));
}

function etcdFlags(dir: string, port: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${join(dir, "etcd")}`,
    "--unsafe-no-fsync",
    "--name=harness",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=harness=${peer}`,
  ];
}

function apiServerFlags(dir: string, etcdPort: number, port: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--cert-dir=${join(dir, "certificates")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${join(dir, "service-account.pub")}`,
    `--service-account-signing-key-file=${join(dir, "service-account.key")}`,
    `--token-auth-file=${join(dir, "tokens.csv")}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.0.0.0/24",
    // The endpoint reconciler would publish the loopback address, which an EndpointSlice refuses.
    "--endpoint-reconciler-type=none",
    "--kubelet-preferred-address-types=InternalIP",
    "--shutdown-delay-duration=0s",
  ];
}

function controllerManagerFlags(dir: string, config: string): string[] {
  return [
    `--kubeconfig=${config}`,
    "--secure-port=0",
    "--leader-elect=false",
    `--service-account-private-key-file=${join(dir, "service-account.key")}`,
    `--root-ca-file=${join(dir, "certificates", "apiserver.crt")}`,
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
  ];
}

function schedulerFlags(config: string): string[] {
  return [
    `--kubeconfig=${config}`,
    "--secure-port=0",
    "--leader-elect=false",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
  ];
}

/** Waits for the API server; gives its certificate, which is its own authority. */
async function untilReady(url: string, dir: string, token: string, children: readonly Child[]): Promise<string> {
  const ca = await orDeath(
    children,
    waitFor("the API server's certificate", () =>
      readFile(join(dir, "certificates", "apiserver.crt"), "utf8").catch(() => null),
    ),
  );
  const api = new KubernetesApi({ url, ca, token });
  const ready = waitFor("the API server", async () => (await api.get("/readyz")) === "ok", { withinMs: 60_000 });
  try {
    await orDeath(children, ready);
  } finally {
    await api.close();
  }
  return ca;
}

async function orDeath<T>(children: readonly Child[], work: Promise<T>): Promise<T> {
  const deaths = children.map(async (child) => {
    const how = await child.ended;
    throw new Error(`${child.name} ended early (${how})`);
  });
  for (const death of deaths) death.catch(() => undefined);
  return Promise.race([work, ...deaths]);
}
