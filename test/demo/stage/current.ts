import { execFile, spawn } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { openStore, parseUri } from "../../../src/registry/index.ts";
import { ensureServers } from "../../../tools/servers.ts";
import { waitFor } from "../../harness/wait.ts";
import { names } from "../manifests.ts";
import type { Images } from "../options.ts";
import { told } from "../story.ts";
import { Forwards } from "./forwards.ts";
import { chart, uninstallChart } from "./install.ts";
import { applyAll, type Kubectl, kubectl } from "./kubectl.ts";
import { prometheusObjects } from "./prometheus-objects.ts";
import type { Stage } from "./stage.ts";

const run = promisify(execFile);

/** What the demo itself needs in the cluster; the service's own namespace enforces `restricted`. */
const support = "evenkeel-demo";
const loader = "store-loader";
/** Marks what the demo made, in a cluster that is not its own. */
const ours = { "app.kubernetes.io/part-of": support };
const namespaces = [names.namespace, chart.namespace, support];

/**
 * What gateways write to meanwhile changes while it is read, which tar ends with 1 for; anything worse stays a failure. What
 * has arrived is verified by its digest when it is used.
 */
const packed =
  'tar -c --exclude=".tmp-*" --warning=no-file-changed --ignore-failed-read -C /store "$1" || test $? -eq 1';

/**
 * The cluster of the current kubectl context, with images that its nodes have. Everything that the demo makes there goes
 * at the end, and nothing else does; it goes at once when this does not come to its end.
 *
 * @param images  from the Dockerfile: operator and trainer
 * @throws when the cluster does not answer, or a namespace that the demo would make and delete is somebody's
 */
export async function current(dir: string, images: Images, signal: AbortSignal): Promise<Stage> {
  const servers = await ensureServers();
  const admin = kubectl(servers.kubectl, await currentContext(servers.kubectl, dir));
  await clear(admin);
  const crdsBefore = await crds(admin);
  const forwards = new Forwards(admin);
  let removeFolder = (): Promise<void> => Promise.resolve();
  const stop = async (): Promise<void> => {
    await forwards.stop();
    // The service first, while there is an operator that can answer for it.
    await admin(["delete", "namespace", names.namespace, "--ignore-not-found"]);
    await uninstallChart({ admin, helm: servers.helm });
    await removeFolder();
    const made = (await crds(admin)).filter((crd) => !crdsBefore.includes(crd));
    if (made.length > 0) await admin(["delete", ...made]);
    await admin(["delete", "namespace", ...namespaces, "--ignore-not-found"]);
    await admin(["delete", "persistentvolume,clusterrole,clusterrolebinding", `--selector=${selector(ours)}`]);
  };
  const prepare = async () => {
    await applyAll(admin, [
      ...namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels: ours } })),
      ...prometheusObjects(support, images.prometheusImage),
    ]);
    const made = await claimHere(admin, images.trainerImage, signal);
    removeFolder = made.removeFolder;
    const people = await forwards.open({ namespace: support, target: "service/prometheus", port: 9090 });
    signal.throwIfAborted();
    return { claim: made.claim, people };
  };
  const { claim, people } = await prepare().catch(async (error: unknown) => {
    await stop().catch((failed: unknown) => {
      throw new Error(`${told(error)}; cleaning up: ${told(failed)}`, { cause: error });
    });
    throw error;
  });
  const local = join(dir, "store");
  await mkdir(local, { recursive: true });
  const inLoader = (command: readonly string[]) => [
    "exec",
    "-i",
    `--namespace=${names.namespace}`,
    loader,
    "--",
    ...command,
  ];
  const bring = (path: string) =>
    pipe(
      [admin.binary, `--kubeconfig=${admin.kubeconfig}`, ...inLoader(["sh", "-c", packed, "sh", path])],
      ["tar", "-x", "-C", local],
    );
  return {
    name: "current",
    image: images.image,
    trainerImage: images.trainerImage,
    admin,
    helm: servers.helm,
    prometheus: { url: `http://prometheus.${support}.svc:9090`, forPeople: people },
    claim,
    fillStore: async (store) => {
      await applyAll(admin, [loaderPod(images.trainerImage)]);
      await admin([
        "wait",
        `--namespace=${names.namespace}`,
        "--for=condition=Ready",
        `pod/${loader}`,
        "--timeout=120s",
      ]);
      await pipe(
        // By name: the store's own folder belongs to the node.
        ["tar", "-c", "-C", store, ...(await readdir(store))],
        [
          admin.binary,
          `--kubeconfig=${admin.kubeconfig}`,
          ...inLoader(["tar", "-x", "--no-same-owner", "--no-overwrite-dir", "-m", "-C", "/store"]),
        ],
      );
    },
    artefact: async (uri) => {
      const { name, digest } = parseUri(uri);
      await bring(`${name}/${digest.replace(":", "-")}`);
      return openStore(local).resolve(uri);
    },
    storeOf: async (name) => {
      await bring(name);
      return openStore(local);
    },
    gateways: async () =>
      forwards.follow({ namespace: names.namespace, selector: `evenkeel.dev/gateway=${names.service}`, port: 8080 }),
    stop,
  };
}

/** The current context as a file of its own: KUBECONFIG may name several, and the context may be switched meanwhile. */
async function currentContext(binary: string, dir: string): Promise<string> {
  const { stdout } = await run(binary, ["config", "view", "--minify", "--flatten", "--raw"]);
  const file = join(dir, "current.kubeconfig");
  await writeFile(file, stdout, { mode: 0o600 });
  return file;
}

/** Ends what an interrupted demo left. @throws when a namespace of that name is not the demo's */
async function clear(admin: Kubectl): Promise<void> {
  const list = async (...labels: string[]) => {
    const out = await admin(["get", "namespace", "--output=name", ...labels]);
    return out.toString("utf8").split(/\s+/);
  };
  const left = await list(`--selector=${selector(ours)}`);
  const there = await list();
  const taken = namespaces.filter((name) => there.includes(`namespace/${name}`) && !left.includes(`namespace/${name}`));
  if (taken.length > 0)
    throw new Error(
      `namespace ${taken.join(", ")}: is there already, and the demo would make it and delete it at the end: choose another cluster, or remove it first`,
    );
  await admin(["delete", "namespace", ...namespaces, "--ignore-not-found"]);
}

async function crds(admin: Kubectl): Promise<readonly string[]> {
  const out = await admin(["get", "customresourcedefinition", "--output=name"]);
  return out
    .toString("utf8")
    .split("\n")
    .filter((name) => name.endsWith(".evenkeel.dev"));
}

function selector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

const storageClasses = z.object({
  items: z.array(z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }) })),
});

/** A default StorageClass serves the claim; without one a folder of the node does, which is enough for one node. */
async function claimHere(
  admin: Kubectl,
  image: string,
  signal: AbortSignal,
): Promise<{ claim: Readonly<Record<string, unknown>>; removeFolder: () => Promise<void> }> {
  const listed = await admin(["get", "storageclass", "--output=json"]);
  const { items } = storageClasses.parse(JSON.parse(listed.toString("utf8")));
  if (items.some(({ metadata }) => metadata.annotations["storageclass.kubernetes.io/is-default-class"] === "true"))
    return { claim: {}, removeFolder: () => Promise.resolve() };
  const folder = `store-${Date.now()}`;
  const volume = `${support}-store`;
  await admin(["delete", "persistentvolume", volume, "--ignore-not-found"]);
  await applyAll(admin, [
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: volume, labels: ours },
      spec: {
        capacity: { storage: "10Gi" },
        accessModes: ["ReadWriteMany"],
        storageClassName: "",
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path: `/var/lib/${support}/${folder}`, type: "DirectoryOrCreate" },
        claimRef: { namespace: names.namespace, name: names.claim },
      },
    },
  ]);
  // A folder that the kubelet makes belongs to root; pods of the service do not run as root.
  const open = ["install", "-d", "-m", "0777", `/demo/${folder}`];
  await onNode(admin, image, { name: "open-store", command: open, signal });
  return {
    claim: { storageClassName: "", volumeName: volume },
    removeFolder: () => onNode(admin, image, { name: "remove-store", command: ["rm", "-rf", `/demo/${folder}`] }),
  };
}

/** Runs a command as root in the demo's folder of the node, to its end. */
async function onNode(
  admin: Kubectl,
  image: string,
  { name, command, signal }: { name: string; command: readonly string[]; signal?: AbortSignal },
): Promise<void> {
  await applyAll(admin, [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: support },
      spec: {
        restartPolicy: "Never",
        securityContext: { runAsUser: 0 },
        containers: [
          {
            name,
            image,
            imagePullPolicy: "IfNotPresent",
            command,
            volumeMounts: [{ name: "folder", mountPath: "/demo" }],
          },
        ],
        volumes: [{ name: "folder", hostPath: { path: `/var/lib/${support}`, type: "DirectoryOrCreate" } }],
      },
    },
  ]);
  const phase = await waitFor(
    `pod ${name} to end`,
    async () => {
      const out = await admin(["get", "pod", name, `--namespace=${support}`, "--output=jsonpath={.status.phase}"]);
      return ["Succeeded", "Failed"].find((end) => end === out.toString("utf8"));
    },
    { withinMs: 120_000, ...(signal && { signal }) },
  );
  if (phase === "Failed") {
    const said = await admin(["logs", name, `--namespace=${support}`]);
    throw new Error(`pod ${name}, ${command.join(" ")}: ${said.toString("utf8").trim()}`);
  }
}

function loaderPod(image: string) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: loader, namespace: names.namespace },
    spec: {
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        // The image's own user, as trainers write beside what it writes.
        runAsUser: 65_532,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: loader,
          image,
          imagePullPolicy: "IfNotPresent",
          command: ["sleep", "7200"],
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
            readOnlyRootFilesystem: true,
          },
          volumeMounts: [{ name: "store", mountPath: "/store" }],
        },
      ],
      volumes: [{ name: "store", persistentVolumeClaim: { claimName: names.claim } }],
    },
  };
}

/** Runs two commands, the output of the first into the second. */
async function pipe(from: readonly string[], into: readonly string[]): Promise<void> {
  const [source = "", ...sourceArgs] = from;
  const [sink = "", ...sinkArgs] = into;
  const first = spawn(source, sourceArgs, { stdio: ["ignore", "pipe", "inherit"] });
  const second = spawn(sink, sinkArgs, { stdio: ["pipe", "ignore", "inherit"] });
  first.stdout.pipe(second.stdin);
  const codes = await Promise.all(
    [first, second].map((child) => new Promise<number | null>((done) => child.once("close", (code) => done(code)))),
  );
  if (codes.some((code) => code !== 0))
    throw new Error(`${from.join(" ")} | ${into.join(" ")}: ended with ${codes.join(", ")}`);
}
