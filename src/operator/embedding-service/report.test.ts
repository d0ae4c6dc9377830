import { beforeEach, describe, expect, it } from "vitest";
import type { EmbeddingServiceStatus } from "../../api/index.ts";
import { catalogue, instruments, processRegistry } from "../../metrics/index.ts";
import { serviceFixture } from "../service.fixture.ts";
import { forget, measure } from "./report.ts";

const digest = `sha256:${"a".repeat(64)}`;
const active = { name: "shop-a", digest, uri: `store://models/shop@${digest}` };
const signal = (name: string) => ({ name, verdict: "Fail" });

const service = (status: object) => serviceFixture({ status });

const empty = service({});
const full = service({
  activeVersion: active,
  signals: [signal("drift"), signal("attack")],
  failures: [{ class: "Drift", count: 3, generation: 1 }],
  audit: { seq: 7, head: digest },
});

describe("what is exported of a service", () => {
  let registry: ReturnType<typeof processRegistry>;
  let metrics: ReturnType<typeof instruments<typeof catalogue.operator>>;
  beforeEach(() => {
    registry = processRegistry();
    metrics = instruments(catalogue.operator, registry);
  });
  const turn = (name = "shop") => ({ metrics, key: { namespace: "search", name } });
  const change = (before: EmbeddingServiceStatus, after: EmbeddingServiceStatus, name?: string): void =>
    measure(turn(name), { ...empty, status: before }, after);
  const lines = async (pattern: RegExp) => (await registry.metrics()).split("\n").filter((line) => pattern.test(line));

  it("goes with the trigger, the failures and the version that it is of", async () => {
    change(empty.status, full.status);
    expect(await lines(/^evenkeel_trigger_verdict\{/)).toHaveLength(8);
    expect(await lines(/^evenkeel_retraining_circuit_open\{/)).toHaveLength(1);
    change(full.status, service({ signals: [signal("drift")], audit: { seq: 8, head: "h" } }).status);
    expect(await lines(/trigger="attack"/)).toEqual([]);
    expect(await lines(/trigger="drift"/)).toHaveLength(4);
    expect(await lines(/circuit_open\{|model_info\{/)).toEqual([]);
    expect(await lines(/audit_head_info\{/)).toHaveLength(1);
  });

  it("is not of a chain that went back when a service was made anew under its name", async () => {
    change(empty.status, full.status);
    const anew = { ...empty, metadata: { ...empty.metadata, uid: "anew" } };
    measure(turn(), anew, service({ audit: { seq: 1, head: "h" } }).status);
    expect(await lines(/audit_sequence\{/)).toEqual([
      `evenkeel_audit_sequence{namespace="search",service="shop",uid="${empty.metadata.uid}"} 7`,
      'evenkeel_audit_sequence{namespace="search",service="shop",uid="anew"} 1',
    ]);
  });

  it("goes with the service, and leaves others' alone", async () => {
    change(empty.status, full.status);
    metrics.gates.set({ namespace: "search", service: "shop", gate: "clean" }, 1);
    change(empty.status, full.status, "other");
    const others = await lines(/service="other"/);
    await forget(turn());
    expect(await lines(/service="shop"/)).toEqual([]);
    expect(await lines(/service="other"/)).toEqual(others);
  });
});
