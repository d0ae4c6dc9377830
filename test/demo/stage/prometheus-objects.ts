import { annotatedPods } from "../../harness/prometheus.ts";

function metadataIn(namespace: string) {
  const labels = { app: "prometheus", "app.kubernetes.io/part-of": namespace };
  return { name: "prometheus", namespace, labels };
}

/** An account that may find the pods to scrape, and nothing else. */
export function prometheusAccess(namespace: string): object[] {
  const metadata = metadataIn(namespace);
  const clusterWide = { name: `${namespace}-prometheus`, labels: metadata.labels };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: clusterWide,
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: clusterWide,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: clusterWide.name },
      subjects: [{ kind: "ServiceAccount", name: "prometheus", namespace }],
    },
  ];
}

/** A small Prometheus that scrapes annotated pods, for clusters where the demo brings its own. */
export function prometheusObjects(namespace: string, image: string): object[] {
  const { kubernetes_sd_configs: _, ...job } = annotatedPods("");
  const config = {
    global: { scrape_interval: "1s" },
    scrape_configs: [{ ...job, kubernetes_sd_configs: [{ role: "pod" }] }],
  };
  const metadata = metadataIn(namespace);
  const { labels } = metadata;
  return [
    ...prometheusAccess(namespace),
    // JSON is YAML.
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "prometheus.yml": JSON.stringify(config, null, 2) } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: { app: "prometheus" }, ports: [{ port: 9090 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "prometheus" } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "prometheus",
            securityContext: { runAsNonRoot: true, runAsUser: 65_534 },
            containers: [
              {
                name: "prometheus",
                image,
                imagePullPolicy: "IfNotPresent",
                args: ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"],
                ports: [{ containerPort: 9090 }],
                readinessProbe: { httpGet: { path: "/-/ready", port: 9090 }, periodSeconds: 1 },
                volumeMounts: [
                  { name: "config", mountPath: "/etc/prometheus" },
                  { name: "data", mountPath: "/data" },
                ],
              },
            ],
            volumes: [
              { name: "config", configMap: { name: "prometheus" } },
              { name: "data", emptyDir: {} },
            ],
          },
        },
      },
    },
  ];
}
