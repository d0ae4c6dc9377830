import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { gatewayStop } from "../../api/index.ts";
import { serviceFixture } from "../service.fixture.ts";
import type { Workload } from "../workload.ts";
import {
  gatewayDeployment,
  gatewayLease,
  gatewayRole,
  gatewayRoleBinding,
  gatewayService,
  releasedService,
} from "./gateway-objects.ts";

const service = { metadata: { name: "shop", namespace: "search" } };
const rule = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});

/** `verb group/resource[:name]`, one for each. */
function rightsOf(rules: readonly z.infer<typeof rule>[]): string[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          (resourceNames ?? [""]).map((name) => `${verb} ${group}/${resource}${name && `:${name}`}`),
        ),
      ),
    ),
  );
}

describe("a gateway's rights", () => {
  const { rules } = gatewayRole(service);

  it("are to its own service's objects by name, and to look at pods", () => {
    expect(rightsOf(rules)).toEqual([
      "list /pods",
      "watch /pods",
      "get /configmaps:shop-gateway",
      "list /configmaps:shop-gateway",
      "watch /configmaps:shop-gateway",
      "get /configmaps:shop-gateway-reports",
      "patch /configmaps:shop-gateway-reports",
      "get /configmaps:shop-gateway-state",
      "update /configmaps:shop-gateway-state",
      "get coordination.k8s.io/leases:shop-gateway",
      "update coordination.k8s.io/leases:shop-gateway",
    ]);
    expect(gatewayLease(service).metadata.name).toBe("shop-gateway");
  });

  it("are bound to its own account alone", () => {
    const { metadata, roleRef, subjects } = gatewayRoleBinding(service);
    expect(metadata.namespace).toBe("search");
    expect(roleRef).toMatchObject({ kind: "Role", name: gatewayRole(service).metadata.name });
    expect(subjects).toEqual([{ kind: "ServiceAccount", name: "shop-gateway", namespace: "search" }]);
  });

  it("are all held by the operator, or the API server would not let it give them", () => {
    const template = readFileSync(
      new URL("../../../charts/evenkeel/templates/_operator-rules.tpl", import.meta.url),
      "utf8",
    );
    const text = /\{\{- define "evenkeel\.operatorRules" -\}\}\n([\s\S]*)\{\{- end \}\}/.exec(template)?.[1] ?? "";
    const held = new Set(rightsOf(z.array(rule).parse(parse(text))));
    const unnamed = rightsOf(rules).map((right) => right.replace(/:.*/, ""));
    expect(unnamed.filter((right) => !held.has(right))).toEqual([]);
  });
});

describe("what a gateway may write of the store", () => {
  const mounts = (spec: object = {}) => {
    const [container] = gatewayDeployment(serviceFixture({ spec }), "evenkeel").spec.template.spec.containers;
    return container?.volumeMounts.filter(({ name }) => name === "store");
  };
  const readOnly = { name: "store", mountPath: "/store", readOnly: true };
  const references = { name: "store", mountPath: "/store/references/search/shop", subPath: "references/search/shop" };
  const alarms = { name: "store", mountPath: "/store/alarms/search/shop", subPath: "alarms/search/shop" };

  it("is the references of its own service's models, and the evidence of its alarms", () => {
    expect(mounts()).toEqual([readOnly, references, alarms]);
  });

  it("is captured traffic as well, while capture is on", () => {
    const dataset = { reference: `store://data/shop@sha256:${"a".repeat(64)}`, traffic: { capture: "On" } };
    const traffic = { name: "store", mountPath: "/traffic-store/traffic/search/shop", subPath: "traffic/search/shop" };
    expect(mounts({ dataset })).toEqual([readOnly, references, alarms, traffic]);
  });

  it("is nothing of a store that traffic has of its own but that traffic", () => {
    const dataset = {
      reference: `store://data/shop@sha256:${"a".repeat(64)}`,
      traffic: { capture: "On", store: { claimName: "traffic" } },
    };
    expect(mounts({ dataset })).toEqual([readOnly, references, alarms]);
    const { containers, volumes } = gatewayDeployment(serviceFixture({ spec: { dataset } }), "evenkeel").spec.template
      .spec;
    expect(volumes).toContainEqual({ name: "traffic", persistentVolumeClaim: { claimName: "traffic" } });
    expect(containers[0]?.volumeMounts.filter(({ name }) => name === "traffic")).toEqual([
      { name: "traffic", mountPath: "/traffic-store/traffic/search/shop", subPath: "traffic/search/shop" },
    ]);
    expect(containers[0]?.env).toContainEqual({ name: "EVENKEEL_TRAFFIC_STORE", value: "/traffic-store" });
  });
});

describe("a gateway with TLS", () => {
  const plain = serviceFixture();
  const secure = serviceFixture({ spec: { gateway: { tls: { secretName: "shop-tls" } } } });
  const podOf = (of: typeof plain) => gatewayDeployment(of, "evenkeel").spec.template.spec;

  it("is shown its Secret's two files, for itself to read alone, and told where they are", () => {
    const { volumes, containers } = podOf(secure);
    expect(volumes).toContainEqual({
      name: "tls",
      secret: {
        secretName: "shop-tls",
        defaultMode: 0o440,
        items: [
          { key: "tls.crt", path: "tls.crt" },
          { key: "tls.key", path: "tls.key" },
        ],
      },
    });
    expect(containers[0]?.volumeMounts).toContainEqual({ name: "tls", mountPath: "/tls", readOnly: true });
    expect(containers[0]?.args.slice(-2)).toEqual(["--tls", "/tls"]);
    expect(JSON.stringify(podOf(plain))).not.toContain("tls");
  });

  it("is probed on the admin port all the same", () => {
    const [gateway] = podOf(secure).containers;
    expect(gateway?.ports.map(({ name }) => name)).toEqual(["https", "admin"]);
    const probes = [gateway?.readinessProbe, gateway?.livenessProbe, gateway?.startupProbe];
    expect(probes.map((probe) => probe?.httpGet.port)).toEqual(["admin", "admin", "admin"]);
  });

  it("has a Service that says https, and http once it leads to the workload", () => {
    const portOf = ({ ports }: ReturnType<typeof releasedService>) =>
      ports.map(({ name, appProtocol, targetPort }) => [name, appProtocol, targetPort]);
    expect(portOf(gatewayService(secure).spec)).toEqual([["https", "https", 8080]]);
    expect(portOf(gatewayService(plain).spec)).toEqual([["http", "http", 8080]]);
    const workload: Pick<Workload, "selector" | "deployment"> = {
      selector: { matchLabels: { app: "embedder" } },
      deployment: {
        metadata: { name: "embedder", uid: "w", resourceVersion: "1", creationTimestamp: "" },
        apiVersion: "apps/v1",
        kind: "Deployment",
        spec: {
          selector: { matchLabels: { app: "embedder" } },
          template: { metadata: { labels: { app: "embedder", release: "7" } } },
        },
      },
    };
    const released = releasedService({ ...secure, spec: { ...secure.spec, port: 80 } }, workload);
    expect(portOf(released)).toEqual([["http", "http", 80]]);
    expect(released.selector).toEqual({ app: "embedder" });
  });
});

it("gives a gateway's pod more time than the gateway takes to stop", () => {
  const { drainMs, requestsMs, followUpsMs, writesMs } = gatewayStop;
  const grace = gatewayDeployment(serviceFixture(), "image").spec.template.spec.terminationGracePeriodSeconds;
  expect(grace).toBe(45);
  expect(grace * 1000).toBeGreaterThan(drainMs + requestsMs + followUpsMs + writesMs);
});
