import {
  type EmbeddingService,
  gatewayConfigName,
  gatewayGraceSeconds,
  gatewayReportsName,
  gatewayStateName,
  snapshotsName,
} from "../../api/index.ts";
import { names } from "../identity.ts";
import { serviceSelector } from "../label-selector.ts";
import { labels } from "../labels.ts";
import { podEnvironment, podSecurityContext, scratch, securityContext, storePath, trafficPath } from "../pod.ts";
import type { Workload } from "../workload.ts";

const ports = { data: 8080, admin: 9090 } as const;
const tlsPath = "/tls";

/** What the names of a service's objects follow from. */
type Named = { readonly metadata: Pick<EmbeddingService["metadata"], "name" | "namespace"> };

function metadata({ metadata: { name, namespace } }: Named, object = names.gateway(name)) {
  return {
    name: object,
    namespace,
    labels: { [labels.service]: name, [labels.gateway]: name, [labels.managedBy]: "evenkeel" },
  };
}

/** ConfigMaps that the operator makes and others fill: gateways may change them, not make them. */
export function gatewayNotebooks(service: Named) {
  const { name } = service.metadata;
  return [gatewayReportsName(name), gatewayStateName(name)].map((object) => ({ metadata: metadata(service, object) }));
}

export function gatewayConfigMap(service: EmbeddingService, text: string) {
  return {
    metadata: metadata(service, gatewayConfigName(service.metadata.name)),
    data: { "gateway.json": text },
  };
}

export function gatewayServiceAccount(service: Named) {
  return { metadata: metadata(service), automountServiceAccountToken: false };
}

/** Which gateway steps the statistics. A right to make Leases could not be held to one name, so that the operator makes it. */
export function gatewayLease(service: Named) {
  return { metadata: metadata(service) };
}

/**
 * A gateway reads whatever clients send, so that it may be another's one day: it may change the notebooks and the lease of
 * its own service, read its routing, and nothing else. Neither the weights nor the audit segments are its to write.
 */
export function gatewayRole(service: Named) {
  const { name } = service.metadata;
  const configMap = (object: string, verbs: string[]) => ({
    apiGroups: [""],
    resources: ["configmaps"],
    resourceNames: [object],
    verbs,
  });
  return {
    metadata: metadata(service),
    rules: [
      // The pods it routes to, and its fellow gateways: which ones is told by labels, which no Role can name.
      { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] },
      configMap(gatewayConfigName(name), ["get", "list", "watch"]),
      configMap(gatewayReportsName(name), ["get", "patch"]),
      configMap(gatewayStateName(name), ["get", "update"]),
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        resourceNames: [names.gateway(name)],
        verbs: ["get", "update"],
      },
    ],
  };
}

export function gatewayRoleBinding(service: Named) {
  const { name, namespace } = metadata(service);
  return {
    metadata: metadata(service),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  };
}

/** Clients opt in by this Service; users' own are never edited (decision 31). */
export function gatewayService(service: EmbeddingService) {
  return {
    metadata: metadata(service),
    spec: {
      selector: { [labels.gateway]: service.metadata.name },
      ports: [servicePort(service.spec.gateway.tls ? "https" : "http", service, ports.data)],
    },
  };
}

/** Where the gateway's Service leads when evenkeel leaves: straight to the workload, which speaks plain HTTP. */
export function releasedService(service: EmbeddingService, workload: Pick<Workload, "selector" | "deployment">) {
  return {
    selector: serviceSelector(workload.selector, workload.deployment.spec?.template.metadata?.labels ?? {}),
    ports: [servicePort("http", service, service.spec.port)],
  };
}

function servicePort(scheme: "http" | "https", { spec }: EmbeddingService, targetPort: number) {
  return { name: scheme, appProtocol: scheme, port: spec.gateway.port, targetPort, protocol: "TCP" };
}

export function gatewayDisruptionBudget(service: EmbeddingService) {
  return {
    metadata: metadata(service),
    spec: { maxUnavailable: 1, selector: { matchLabels: { [labels.gateway]: service.metadata.name } } },
  };
}

export function gatewayDeployment(service: EmbeddingService, image: string) {
  const { name, namespace } = service.metadata;
  const { gateway, store, dataset } = service.spec;
  const capturing = dataset.traffic.capture === "On";
  // What of the store may be written; all else is read-only. A model may change to one that brings no reference at any
  // time, and a mount that came and went with it would start gateways anew.
  const writable = ["references", "alarms"].map((kind) => `${kind}/${namespace}/${name}`);
  const traffic = capturing ? trafficVolume(service) : null;
  const { tls } = gateway;
  // kubelet reads the Secret; 0440 with the pod's fsGroup leaves it to the gateway alone.
  const certificate = tls && {
    volume: {
      name: "tls",
      secret: {
        secretName: tls.secretName,
        defaultMode: 0o440,
        items: ["tls.crt", "tls.key"].map((key) => ({ key, path: key })),
      },
    },
    mount: { name: "tls", mountPath: tlsPath, readOnly: true },
    args: ["--tls", tlsPath],
  };
  const probe = (path: string) => ({ httpGet: { path, port: "admin" } });
  return {
    metadata: metadata(service),
    spec: {
      replicas: gateway.replicas,
      selector: { matchLabels: { [labels.gateway]: name } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: { [labels.service]: name, [labels.gateway]: name },
          annotations: {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": String(ports.admin),
            "prometheus.io/path": "/metrics",
          },
        },
        spec: {
          serviceAccountName: names.gateway(name),
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: gatewayGraceSeconds,
          securityContext: podSecurityContext,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: { [labels.gateway]: name } },
            },
          ],
          volumes: [
            { name: "store", persistentVolumeClaim: { claimName: store.claimName } },
            ...(traffic?.volumes ?? []),
            ...(certificate ? [certificate.volume] : []),
            scratch.volume,
          ],
          containers: [
            {
              name: "gateway",
              image,
              args: [
                "gateway",
                "--service",
                name,
                "--namespace",
                namespace,
                "--port",
                String(ports.data),
                "--admin-port",
                String(ports.admin),
                ...(certificate ? certificate.args : []),
              ],
              env: [...podEnvironment, ...(traffic ? [traffic.env] : [])],
              ports: [
                { name: tls ? "https" : "http", containerPort: ports.data },
                { name: "admin", containerPort: ports.admin },
              ],
              readinessProbe: { ...probe("/readyz"), periodSeconds: 2, failureThreshold: 2 },
              livenessProbe: { ...probe("/healthz"), periodSeconds: 10, timeoutSeconds: 5 },
              startupProbe: { ...probe("/healthz"), periodSeconds: 1, failureThreshold: 60 },
              resources: { requests: gateway.resources.requests, limits: gateway.resources.limits },
              securityContext,
              volumeMounts: [
                { name: "store", mountPath: storePath, readOnly: true },
                ...writable.map((subPath) => ({ name: "store", mountPath: `${storePath}/${subPath}`, subPath })),
                ...(traffic ? [traffic.mount] : []),
                ...(certificate ? [certificate.mount] : []),
                scratch.mount,
              ],
            },
          ],
        },
      },
    },
  };
}

/** Where it writes captured traffic: one folder of the service's own. */
function trafficVolume({ metadata: { namespace, name }, spec: { store, dataset } }: EmbeddingService) {
  const claimName = dataset.traffic.store?.claimName ?? store.claimName;
  const volume = claimName === store.claimName ? null : { name: "traffic", persistentVolumeClaim: { claimName } };
  const subPath = snapshotsName(namespace, name);
  return {
    volumes: volume ? [volume] : [],
    mount: { name: volume?.name ?? "store", mountPath: `${trafficPath}/${subPath}`, subPath },
    env: { name: "EVENKEEL_TRAFFIC_STORE", value: trafficPath },
  };
}
