import { spawn } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { openStore, parseUri } from "../../../src/registry/index.ts";
import { ensureServers } from "../../../tools/servers.ts";
import { waitFor } from "../../harness/wait.ts";
import { names } from "../manifests.ts";
import { Forwards } from "./forwards.ts";
import { applyAll, type Kubectl, kubectl } from "./kubectl.ts";
import { prometheusObjects } from "./prometheus-objects.ts";
import type { Stage } from "./stage.ts";

/** What the demo itself needs in the cluster; the service's own namespace enforces `restricted`. */
const support = "evenkeel-demo";
const loader = "store-loader";

/**
 * The cluster of the current kubectl context, with images that its nodes have.
 *
 * @param images  from the Dockerfile: operator and trainer
 */
export async function current(
  dir: string,
  images: { image: string; trainerImage: string; prometheusImage: string },
): Promise<Stage> {
  const servers = await ensureServers();
  const admin = kubectl(servers.kubectl, process.env.KUBECONFIG ?? join(homedir(), ".kube/config"));
  await applyAll(admin, [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: support } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: names.namespace } },
    ...prometheusObjects(support, images.prometheusImage),
  ]);
  const claim = await claimHere(admin, images.trainerImage);
  const forwards = new Forwards(admin);
  const people = await forwards.open({ namespace: support, target: "service/prometheus", port: 9090 });
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
      const path = `${name}/${digest.replace(":", "-")}`;
      await pipe(
        [admin.binary, `--kubeconfig=${admin.kubeconfig}`, ...inLoader(["tar", "-c", "-C", "/store", path])],
        ["tar", "-x", "-C", local],
      );
      return openStore(local).resolve(uri);
    },
    gateways: async () =>
      forwards.follow({ namespace: names.namespace, selector: `evenkeel.dev/gateway=${names.service}`, port: 8080 }),
    stop: async () => {
      await forwards.stop();
      await admin(["delete", "namespace", names.namespace, support, "--ignore-not-found", "--wait=true"]);
      await admin([
        "delete",
        "persistentvolume,clusterrole,clusterrolebinding",
        `--selector=app.kubernetes.io/part-of=${support}`,
      ]);
    },
  };
}

const storageClasses = z.object({
  items: z.array(z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }) })),
});

/** A default StorageClass serves the claim; without one a folder of the node does, which is enough for one node. */
async function claimHere(admin: Kubectl, image: string): Promise<Readonly<Record<string, unknown>>> {
  const listed = await admin(["get", "storageclass", "--output=json"]);
  const { items } = storageClasses.parse(JSON.parse(listed.toString("utf8")));
  if (items.some(({ metadata }) => metadata.annotations["storageclass.kubernetes.io/is-default-class"] === "true"))
    return {};
  const path = `/var/lib/${support}/store-${Date.now()}`;
  const volume = `${support}-store`;
  await admin(["delete", "persistentvolume", volume, "--ignore-not-found"]);
  await applyAll(admin, [
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: volume, labels: { "app.kubernetes.io/part-of": support } },
      spec: {
        capacity: { storage: "10Gi" },
        accessModes: ["ReadWriteMany"],
        storageClassName: "",
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path, type: "DirectoryOrCreate" },
        claimRef: { namespace: names.namespace, name: names.claim },
      },
    },
    {
      // A folder that the kubelet makes belongs to root; pods of the service do not run as root.
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "open-store", namespace: support },
      spec: {
        restartPolicy: "Never",
        securityContext: { runAsUser: 0 },
        containers: [
          {
            name: "chmod",
            image,
            imagePullPolicy: "IfNotPresent",
            command: ["chmod", "0777", "/store"],
            volumeMounts: [{ name: "store", mountPath: "/store" }],
          },
        ],
        volumes: [{ name: "store", hostPath: { path, type: "DirectoryOrCreate" } }],
      },
    },
  ]);
  await waitFor(
    "the store's folder to be opened",
    async () => {
      const phase = await admin([
        "get",
        "pod",
        "open-store",
        `--namespace=${support}`,
        "--output=jsonpath={.status.phase}",
      ]);
      return phase.toString() === "Succeeded";
    },
    { withinMs: 120_000 },
  );
  return { storageClassName: "", volumeName: volume };
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
