import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ensureServers } from "../../tools/servers.ts";
import { KubernetesApi } from "../harness/kubernetes-api.ts";
import { makeNamespace } from "../harness/namespace.ts";
import { nodeImage, shellImage } from "../harness/node/images.ts";
import { type Nodes, startNodes } from "../harness/node/nodes.ts";
import type { Container, Pod } from "../harness/node/pod.ts";
import { waitFor } from "../harness/wait.ts";

const run = promisify(execFile);
const cluster = inject("cluster");
const api = new KubernetesApi(cluster);
const place = {
  nodeSelector: { "test/file": "harness-nodes" },
  tolerations: [{ key: "test/file", operator: "Exists" }],
};
let nodes: Nodes;
let namespace: string;

beforeAll(async () => {
  namespace = await makeNamespace(api, "harness-nodes");
  nodes = await startNodes({
    cluster,
    certificate: cluster.certificate,
    nodes: ["a", "b"].map((name) => ({
      name: `harness-nodes-${name}`,
      capacity: { "nvidia.com/gpu": "1" },
      labels: { "test/file": "harness-nodes" },
      taints: [{ key: "test/file", effect: "NoSchedule" }],
    })),
    images: {
      shell: shellImage,
      node: nodeImage({ FROM_IMAGE: "image" }),
    },
    backoff: { initialMs: 100, maxMs: 1_000 },
  });
});

afterAll(async () => {
  await nodes?.stop();
  await api.close();
});

const podPath = (name: string) => `/api/v1/namespaces/${namespace}/pods/${name}`;

/** Makes a pod of one shell script. */
async function runScript(name: string, script: string, container: Partial<Container> = {}, spec: object = {}) {
  await api.create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      ...place,
      restartPolicy: "Never",
      ...spec,
      containers: [{ name: "main", image: "shell", command: ["sh", "-c", script], ...container }],
    },
  });
}

async function untilPod(name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod> {
  let last: Pod | undefined;
  const found = waitFor(`pod ${name} to be ${what}`, async () => {
    last = await api.get<Pod>(podPath(name));
    return holds(last) && last;
  });
  return found.catch((error) => {
    throw new Error(`${String(error)}; status: ${JSON.stringify(last?.status, null, 1)}`);
  });
}

const phase = (wanted: string) => (pod: Pod) => pod.status?.phase === wanted;
const ready = (pod: Pod) =>
  pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
const main = (pod: Pod) => pod.status?.containerStatuses?.[0];

describe("a pod's surroundings", () => {
  it("has environment, volumes and a working ServiceAccount token", async () => {
    await api.create(`/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: "settings" },
      data: { COLOUR: "blue", "nested.txt": "hello" },
    });
    await api.create(`/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "secret" },
      stringData: { PASSWORD: "s3cret" },
    });
    await api.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
      metadata: { name: "view" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace }],
    });
    const script = `
      import { readFileSync } from "node:fs";
      import { Agent, request } from "node:https";
      const read = (path) => readFileSync(path, "utf8");
      const account = "/var/run/secrets/kubernetes.io/serviceaccount/";
      const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
      const status = (path) => new Promise((resolve, reject) => request(
        { host, port, path, agent: new Agent({ ca: read(account + "ca.crt") }), headers: { authorization: "Bearer " + read(account + "token") } },
        (response) => resolve(response.statusCode)).on("error", reject).end());
      console.log(JSON.stringify({
        env: process.env, argument: process.argv[1],
        file: read("/etc/settings/deep/nested.txt"), secret: read("/secret/PASSWORD"), labels: read("/info/labels"),
        namespace: read(account + "namespace"),
        allowed: await status("/api/v1/namespaces/" + process.env.SPACE + "/configmaps"),
        forbidden: await status("/api/v1/namespaces/" + process.env.SPACE + "/secrets"),
      }));`;
    await api.create(`/api/v1/namespaces/${namespace}/pods`, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "surroundings", labels: { app: "x" } },
      spec: {
        ...place,
        restartPolicy: "Never",
        volumes: [
          {
            name: "settings",
            configMap: { name: "settings", items: [{ key: "nested.txt", path: "deep/nested.txt" }] },
          },
          { name: "secret", secret: { secretName: "secret" } },
          { name: "info", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
          { name: "scratch", emptyDir: {} },
        ],
        containers: [
          {
            name: "main",
            image: "node",
            args: ["--input-type=module", "--eval", script, "--", "$(COLOUR)-$(MISSING)-$$(COLOUR)"],
            resources: { limits: { cpu: "1500m" } },
            envFrom: [{ configMapRef: { name: "settings" } }, { secretRef: { name: "none", optional: true } }],
            env: [
              { name: "SPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
              { name: "ADDRESS", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
              { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
              { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "secret", key: "PASSWORD" } } },
              { name: "CPUS", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
              { name: "BOTH", value: "$(COLOUR) $(SPACE)" },
            ],
            volumeMounts: [
              { name: "settings", mountPath: "/etc/settings", readOnly: true },
              { name: "secret", mountPath: "/secret" },
              { name: "info", mountPath: "/info" },
              { name: "scratch", mountPath: "/scratch" },
            ],
          },
        ],
      },
    });
    const pod = await untilPod("surroundings", "over", (candidate) =>
      /Succeeded|Failed/.test(candidate.status?.phase ?? ""),
    );
    const log = await nodes.logs({ namespace, pod: "surroundings" });
    expect({ log, phase: pod.status?.phase }).toEqual({ log, phase: "Succeeded" });
    expect(JSON.parse(log)).toMatchObject({
      env: {
        FROM_IMAGE: "image",
        COLOUR: "blue",
        PASSWORD: "s3cret",
        SPACE: namespace,
        ADDRESS: pod.status?.podIP,
        NODE: pod.spec?.nodeName,
        CPUS: "2",
        OMP_NUM_THREADS: "2",
        BOTH: `blue ${namespace}`,
      },
      argument: "blue-$(MISSING)-$(COLOUR)",
      file: "hello",
      secret: "s3cret",
      labels: 'app="x"',
      namespace,
      allowed: 200,
      forbidden: 403,
    });
  });

  it("keeps data on a claim over pods, and nothing of the machine is writable", async () => {
    await api.create(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "1Gi" } } },
    });
    const volumes = { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] };
    const mount = { volumeMounts: [{ name: "data", mountPath: "/store" }] };
    await runScript("writer", "echo kept > /store/file && ! touch /usr/written && touch /tmp/own", mount, volumes);
    await untilPod("writer", "Succeeded", phase("Succeeded"));
    await runScript("reader", "cat /store/file; test ! -e /tmp/own", mount, volumes);
    await untilPod("reader", "Succeeded", phase("Succeeded"));
    expect(await nodes.logs({ namespace, pod: "reader" })).toBe("kept\n");
  });

  it("shows folders of a claim alone, makes those that are missing, and keeps those to be read from being written", async () => {
    await api.create(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
      metadata: { name: "folders" },
      spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "1Gi" } } },
    });
    const volumes = { volumes: [{ name: "folders", persistentVolumeClaim: { claimName: "folders" } }] };
    const folder = (subPath: string, readOnly: boolean) => ({
      name: "folders",
      mountPath: `/store/${subPath}`,
      subPath,
      readOnly,
    });
    const writing = { volumeMounts: [folder("data/shop", false), folder("evaluations/run", false)] };
    await runScript("filler", "echo kept | tee /store/data/shop/file /store/evaluations/run/file", writing, volumes);
    await untilPod("filler", "Succeeded", phase("Succeeded"));
    const reading = { volumeMounts: [folder("data/shop", true), folder("runs/run", false)] };
    const script =
      "cat /store/data/shop/file; touch /store/runs/run/file; test ! -e /store/evaluations; ! touch /store/data/shop/new";
    await runScript("narrow", script, reading, volumes);
    await untilPod("narrow", "Succeeded", phase("Succeeded"));
  });

  it("waits for a ConfigMap that does not exist yet and says so", async () => {
    const container = { env: [{ name: "LATE", valueFrom: { configMapKeyRef: { name: "late", key: "value" } } }] };
    await runScript("patient", 'test "$LATE" = now', container);
    const waiting = await untilPod(
      "patient",
      "waiting",
      (pod) => main(pod)?.state?.waiting?.reason === "CreateContainerConfigError",
    );
    expect(main(waiting)?.state?.waiting?.message).toBe('configmap "late" not found');
    await api.create(`/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: "late" },
      data: { value: "now" },
    });
    await untilPod("patient", "Succeeded", phase("Succeeded"));
  });

  it("never pulls an image that it was not given", async () => {
    await runScript("unknown", "true", { image: "docker.io/library/busybox" });
    const pod = await untilPod(
      "unknown",
      "waiting",
      (candidate) => main(candidate)?.state?.waiting?.reason === "ErrImagePull",
    );
    expect(pod.status?.phase).toBe("Pending");
  });
});

describe("a workload", () => {
  it("becomes ready as a Deployment, rolls over, is evicted and made anew", async () => {
    const server = `
      const server = require("node:http").createServer((_, response) => response.end(process.env.VERSION));
      server.listen(8080, process.env.POD_IP);
      process.on("SIGTERM", () => { console.log("asked to stop"); server.close(); server.closeAllConnections(); });`;
    const deployment = (version: string) => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: {
            ...place,
            containers: [
              {
                name: "web",
                image: "node",
                args: ["--eval", server],
                ports: [{ name: "http", containerPort: 8080 }],
                env: [
                  { name: "VERSION", value: version },
                  { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
                ],
                readinessProbe: { httpGet: { path: "/", port: "http" } },
              },
            ],
          },
        },
      },
    });
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
    type Deployment = { metadata: { generation: number }; status: Record<string, number> };
    const complete = () =>
      waitFor("the Deployment to be complete", async () => {
        const { status, metadata } = await api.get<Deployment>(path);
        const { observedGeneration, updatedReplicas, readyReplicas, replicas } = status;
        return (
          observedGeneration === metadata.generation && updatedReplicas === 2 && readyReplicas === 2 && replicas === 2
        );
      });
    const pods = async () =>
      (await api.get<{ items: Pod[] }>(`/api/v1/namespaces/${namespace}/pods?labelSelector=app=web`)).items;
    const answers = async () => {
      const items = await pods();
      const responses = items.map(async ({ status }) => (await fetch(`http://${status?.podIP}:8080/`)).text());
      return Promise.all(responses);
    };

    await api.apply(path, deployment("one"));
    await complete();
    expect(await answers()).toEqual(["one", "one"]);
    const [old] = await pods();

    await api.apply(path, deployment("two"));
    await complete();
    await waitFor("the old pods to be gone", async () => (await pods()).length === 2);
    expect(await answers()).toEqual(["two", "two"]);
    expect(await nodes.logs({ namespace, pod: old?.metadata?.name ?? "" })).toBe("asked to stop\n");

    const victim = (await pods())[0]?.metadata?.name ?? "";
    await api.create(`${podPath(victim)}/eviction`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: victim, namespace },
    });
    await waitFor("the evicted pod to be gone", async () => (await api.find(podPath(victim))) === null);
    await complete();
    expect(await nodes.logs({ namespace, pod: victim })).toBe("asked to stop\n");
    await api.delete(path);
  });

  it.each([
    {
      name: "good",
      script: "printf '{\"value\": 1}' > /dev/termination-log",
      code: 0,
      condition: "Complete",
      message: '{"value": 1}',
    },
    {
      name: "bad",
      script: "printf 'bad data' > /dev/termination-log; exit 10",
      code: 10,
      condition: "Failed",
      message: "bad data",
    },
  ])(
    "ends as a $name Job with exit code and termination message",
    async ({ name, script, code, condition, message }) => {
      const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
      await api.create(path, {
        metadata: { name },
        spec: {
          backoffLimit: 0,
          template: {
            spec: {
              ...place,
              restartPolicy: "Never",
              containers: [
                {
                  name: "main",
                  image: "shell",
                  command: ["sh", "-c", `nice > /dev/stderr; ${script}`],
                  resources: { limits: { "nvidia.com/gpu": "1" } },
                },
              ],
            },
          },
        },
      });
      type Job = { status: { conditions?: { type: string; status: string }[] } };
      await waitFor(`Job ${name} to be ${condition}`, async () => {
        const job = await api.get<Job>(`${path}/${name}`);
        return job.status.conditions?.some(({ type, status }) => type === condition && status === "True");
      });
      const { items } = await api.get<{ items: Pod[] }>(
        `/api/v1/namespaces/${namespace}/pods?labelSelector=job-name=${name}`,
      );
      expect(items).toHaveLength(1);
      expect(items[0] && main(items[0])?.state?.terminated).toMatchObject({ exitCode: code, message });
      expect(await nodes.logs({ namespace, pod: items[0]?.metadata?.name ?? "" })).toBe("10\n");
    },
  );

  it("counts an eviction of a Job's pod as a disruption, and bad data as a failure for good", async () => {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    await api.create(path, {
      metadata: { name: "governed" },
      spec: {
        backoffLimit: 5,
        podFailurePolicy: {
          rules: [
            { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
            { action: "FailJob", onExitCodes: { operator: "In", values: [10] } },
          ],
        },
        template: {
          spec: {
            ...place,
            restartPolicy: "Never",
            terminationGracePeriodSeconds: 5,
            containers: [
              {
                name: "main",
                image: "shell",
                command: ["sh", "-c", "trap 'exit 1' TERM; until [ -e /state/go ]; do sleep 0.02; done; exit 10"],
                volumeMounts: [{ name: "state", mountPath: "/state" }],
              },
            ],
            volumes: [{ name: "state", emptyDir: {} }],
          },
        },
      },
    });
    const running = async () => {
      const list = await api.get<{ items: Pod[] }>(
        `/api/v1/namespaces/${namespace}/pods?labelSelector=job-name=governed`,
      );
      const pod = list.items.find(
        ({ metadata, status }) => status?.phase === "Running" && !metadata?.deletionTimestamp,
      );
      return pod?.metadata?.name;
    };
    const first = await waitFor("its first pod", running);
    await api.create(`${podPath(first)}/eviction`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: first, namespace },
    });
    const second = await waitFor("its second pod", async () => {
      const name = await running();
      return name !== first && name;
    });
    await nodes.exec({ namespace, pod: second }, ["touch", "/state/go"]);
    type Job = { status: { failed?: number; conditions?: { type: string; reason: string }[] } };
    const job = await waitFor("the Job to fail", async () => {
      const candidate = await api.get<Job>(`${path}/governed`);
      return candidate.status.conditions?.some(({ type }) => type === "Failed") && candidate;
    });
    expect(job.status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("PodFailurePolicy");
  });

  it("is killed when it does not stop within its grace period", async () => {
    await runScript(
      "stubborn",
      "trap '' TERM; echo up; while :; do sleep 0.05; done",
      {},
      { terminationGracePeriodSeconds: 1 },
    );
    await waitFor("its trap", async () => (await nodes.logs({ namespace, pod: "stubborn" })) === "up\n");
    const seen: Pod[] = [];
    const stop = new AbortController();
    const path = `/api/v1/namespaces/${namespace}/pods?fieldSelector=metadata.name=stubborn`;
    void api.watch<Pod>(path, stop.signal, ({ object }) => seen.push(object));
    await api.delete(podPath("stubborn"));
    await waitFor("it to be gone", async () => (await api.find(podPath("stubborn"))) === null);
    await waitFor("its last status", () => seen.some((pod) => main(pod)?.state?.terminated?.exitCode === 137));
    stop.abort();
    expect(seen.find((pod) => main(pod)?.state?.terminated)?.status?.phase).toBe("Failed");
  });
});

describe("kubectl logs", () => {
  it("shows a container's log, its tail, its start before, and follows it", async () => {
    const { kubectl } = await ensureServers();
    const logs = async (...args: string[]) =>
      (await run(kubectl, ["--kubeconfig", cluster.adminKubeconfig, "-n", namespace, "logs", "talking", ...args]))
        .stdout;
    const volumes = { restartPolicy: "OnFailure", volumes: [{ name: "state", emptyDir: {} }] };
    const mount = { volumeMounts: [{ name: "state", mountPath: "/state" }] };
    const script = `[ -e /state/again ] || { touch /state/again; echo first; exit 1; }
      printf '1\n2\n'; until [ -e /state/go ]; do sleep 0.05; done; echo 3`;
    await runScript("talking", script, mount, volumes);
    await waitFor("both lines", async () => (await nodes.logs({ namespace, pod: "talking" })) === "first\n1\n2\n");
    expect(await logs()).toBe("1\n2\n");
    expect(await logs("--tail=1")).toBe("2\n");
    expect(await logs("--previous")).toBe("first\n");
    const followed = logs("--follow");
    await nodes.exec({ namespace, pod: "talking" }, ["touch", "/state/go"]);
    expect(await followed).toBe("1\n2\n3\n");
  });
});

describe("probes and restarts", () => {
  it("restarts a container that crashes, and counts", async () => {
    await runScript("crashing", "echo again; exit 3", {}, { restartPolicy: "Always" });
    const pod = await untilPod("crashing", "restarted twice", (candidate) => {
      return main(candidate)?.restartCount === 2 && main(candidate)?.state?.waiting?.reason === "CrashLoopBackOff";
    });
    expect(pod.status?.phase).toBe("Running");
    expect(main(pod)?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
    await api.delete(podPath("crashing"));
    expect(await nodes.logs({ namespace, pod: "crashing" })).toMatch(/^(again\n){3,}$/);
  });

  it("restarts a container whose liveness fails, and is unready while its readiness fails", async () => {
    const probe = { exec: { command: ["test", "-e", "/state/ok"] }, periodSeconds: 1, failureThreshold: 1 };
    await runScript(
      "probed",
      "trap 'exit 0' TERM; touch /state/ok; while :; do sleep 0.05; done",
      {
        readinessProbe: probe,
        livenessProbe: { ...probe, failureThreshold: 2 },
        volumeMounts: [{ name: "state", mountPath: "/state" }],
      },
      { restartPolicy: "Always", volumes: [{ name: "state", emptyDir: {} }] },
    );
    await untilPod("probed", "ready", ready);
    await nodes.exec({ namespace, pod: "probed" }, ["rm", "/state/ok"]);
    const unready = await untilPod("probed", "unready", (pod) => !ready(pod));
    expect(unready.status?.conditions?.find(({ type }) => type === "Ready")?.reason).toBe("ContainersNotReady");
    const again = await untilPod("probed", "ready again", (pod) => ready(pod) && main(pod)?.restartCount === 1);
    expect(main(again)?.lastState?.terminated?.exitCode).toBe(0);
    await api.delete(podPath("probed"));
  });

  it("runs init containers in turn before the others, and fails with them", async () => {
    const step = (name: string, script: string) => ({
      name,
      image: "shell",
      command: ["sh", "-c", script],
      volumeMounts: [{ name: "shared", mountPath: "/shared" }],
    });
    const volumes = [{ name: "shared", emptyDir: {} }];
    const share = { volumeMounts: [{ name: "shared", mountPath: "/shared" }] };
    const initContainers = [step("one", "echo 1 > /shared/log"), step("two", "echo 2 >> /shared/log")];
    await runScript("initial", "cat /shared/log", share, { volumes, initContainers });
    await untilPod("initial", "Succeeded", phase("Succeeded"));
    expect(await nodes.logs({ namespace, pod: "initial" })).toBe("1\n2\n");

    await runScript("stillborn", "echo never", share, { volumes, initContainers: [step("one", "exit 4")] });
    const failed = await untilPod("stillborn", "Failed", phase("Failed"));
    expect(failed.status?.initContainerStatuses?.[0]?.state?.terminated?.exitCode).toBe(4);
    expect(main(failed)?.state?.waiting).toBeDefined();
  });

  it("ends a pod at its deadline", async () => {
    await runScript("late-pod", "sleep 60", {}, { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 });
    const pod = await untilPod("late-pod", "Failed", phase("Failed"));
    expect(pod.status?.reason).toBe("DeadlineExceeded");
  });
});

describe("the nodes' end", () => {
  it("ends every process of every pod", async () => {
    await runScript("left-over", "sleep 1000 & sleep 1000", {}, { terminationGracePeriodSeconds: 0 });
    await untilPod("left-over", "Running", phase("Running"));
    const pid = nodes.pid({ namespace, pod: "left-over" });
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    expect(command).toContain("sleep");
    await nodes.stop();
    expect(nodes.running()).toEqual([]);
    await expect(
      readFile(`/proc/${pid}/cmdline`, "utf8").then((text) => text || Promise.reject(new Error("a zombie"))),
    ).rejects.toThrow(/ENOENT|ESRCH|a zombie/);
  });
});
