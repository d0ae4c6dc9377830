import { describe, expect, it } from "vitest";
import { decide } from "./decide.ts";
import { gatewayConfigOf } from "./resources.ts";
import { ago, digest, now, uri, workload, world } from "./world.fixture.ts";

describe("the phase", () => {
  it("is Steady only of what serves", () => {
    expect(decide(world(), now).status.phase).toBe("Steady");
    const unready = { ...workload(uri("a")), readyReplicas: 0 };
    expect(decide(world({ workload: unready }), now).status.phase).toBe("Pending");
    expect(decide(world({ gateway: { ready: 0, wanted: 2, trouble: null } }), now).status.phase).toBe("Pending");
  });
});

describe("the gateway", () => {
  it("that is not ready is said with why one of its pods does not run", () => {
    const trouble = "Pod shop-gateway-x is Pending: Unschedulable: 0/3 nodes are available";
    const { conditions } = decide(world({ gateway: { ready: 1, wanted: 2, trouble } }), now).status;
    expect(conditions.find(({ type }) => type === "GatewayReady")).toMatchObject({
      status: "False",
      message: `1 of 2 pods are ready; ${trouble}`,
    });
  });
});

describe("a service", () => {
  it.each([
    ["no pod that gives its vectors", 0, 3, "False"],
    ["a pod", 1, 3, "True"],
    ["no pod, by an older configuration", 0, 2, "True"],
  ])("is not ready while every gateway has %s", (_, pods, generation, ready) => {
    const config = gatewayConfigOf(world().service, world().service.status, workload(uri("a")), null);
    const report = { generation, ready: true, pods: { [digest("a")]: pods }, at: ago(1) };
    const { status } = decide(
      world({ config: config && { ...config, generation: 3 }, gateways: [{ name: "g", exists: true, report }] }),
      now,
    );
    expect(status.conditions.find(({ type }) => type === "Ready")?.status).toBe(ready);
    expect(status.phase === "Pending").toBe(ready === "False");
  });

  it("tells who owns the field", () => {
    const { status } = decide(world({ ownership: { kind: "OwnedBy", managers: ["helm"] } }), now);
    expect(status.conditions.find(({ type }) => type === "Promotable")).toMatchObject({
      status: "False",
      reason: "FieldOwnedBy",
    });
    expect(status.conditions.find(({ type }) => type === "Promotable")?.message).toBe(
      "MODEL_URI of the workload is owned by helm: to free it, leave the value of MODEL_URI out of the manifest that helm " +
        "applies, and apply it; the active version is then put back",
    );
  });
});
