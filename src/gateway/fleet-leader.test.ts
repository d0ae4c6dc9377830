import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { Dispatcher } from "undici";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { gatewayStateName } from "../api/index.ts";
import { connect, type Kube } from "../kube/index.ts";
import { blockAt, blockEnd } from "../monitor/index.ts";
import type { AttackRecord } from "../registry/index.ts";
import { type AlarmEvidence, recomputeAlarms } from "./alarm-trail.ts";
import { BlockRecorder } from "./block-recorder.ts";
import { fleetSettingsFixture as settings } from "./fleet.fixture.ts";
import { type FleetView, leadFleet } from "./fleet-leader.ts";
import { startFleet } from "./fleet-monitor.ts";
import { decodeState, encodeState } from "./fleet-state.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { noMaterial } from "./material.ts";

const model = `sha256:${"a".repeat(64)}`;
const material = noMaterial(model, "");
const blockMs = 50;
const configMap = z.looseObject({ data: z.record(z.string(), z.string()) });

/** The one ConfigMap of the state, as an API server has it. */
class StateServer {
  readonly saved: string[] = [];
  readonly #server = createServer((incoming, response) => {
    const answer = async () => {
      if (incoming.method === "PUT") {
        const { data } = configMap.parse(JSON.parse(await text(incoming)));
        if (this.refusing-- > 0) {
          response.writeHead(409).end(JSON.stringify({ kind: "Status", code: 409, reason: "Conflict", message: "" }));
          return;
        }
        this.saved.push(data["state.json"] ?? "");
      }
      const metadata = { name: gatewayStateName("svc"), namespace: "ns", uid: "1", resourceVersion: "1" };
      const data = { "state.json": this.saved.at(-1) ?? this.initial };
      const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    };
    answer().catch(() => response.destroy());
  });
  refusing = 0;
  initial = "";

  async start(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

let server: StateServer;
let kube: Kube;
beforeEach(async () => {
  server = new StateServer();
  const clusters = [{ name: "c", cluster: { server: await server.start(), "insecure-skip-tls-verify": true } }];
  const contexts = [{ name: "c", context: { cluster: "c", user: "u" } }];
  const kubeconfigText = JSON.stringify({
    clusters,
    contexts,
    users: [{ name: "u", user: {} }],
    "current-context": "c",
  });
  kube = await connect({ kubeconfigText, fieldManager: "test" });
});
afterEach(async () => {
  await kube.close();
  await server.stop();
});

/** Leads until `most` saves were told of. */
async function lead(change: Partial<FleetView>, most: number) {
  const view: FleetView = {
    material,
    settings,
    blockMs,
    recorder: new BlockRecorder(blockMs, 64),
    pods: { compared: 2, mismatched: 0 },
    noise: {},
    models: [model],
    fellows: [],
    ...change,
  };
  const stop = new AbortController();
  const told: { record: AttackRecord; saved: string | undefined }[] = [];
  const alarms: AlarmEvidence[] = [];
  const faults: unknown[] = [];
  const fence = { holds: () => true, remaining: () => 60_000, guard: (dispatcher: Dispatcher) => dispatcher };
  await leadFleet(
    {
      kube,
      namespace: "ns",
      service: "svc",
      view: () => view,
      snapshot: (before) => before,
      attacked: (record) => told.push({ record, saved: server.saved.at(-1) }),
      alarmed: (found) => {
        alarms.push(...found);
        if (told.length >= most) stop.abort();
      },
      metrics: new GatewayMetrics("ns", "svc"),
      onFault: (error) => faults.push(error),
    },
    { signal: stop.signal, fence },
  );
  return { told, alarms, faults };
}

const stateOf = (saved: string | undefined, length = blockMs) => decodeState(saved ?? null, material, 0, length).state;

it("tells of attacks as of the end of the block that was saved, and only once it is saved", async () => {
  server.refusing = 1;
  const { told, faults } = await lead({ settings: { ...settings, protecting: true } }, 3);
  expect(faults.map(String)).toEqual([expect.stringContaining("409")]);
  expect(told).toHaveLength(3);
  for (const { record, saved } of told) {
    const { block, attacks } = stateOf(saved);
    expect(record).toEqual({ at: blockEnd(block, blockMs), windows: attacks });
    expect(attacks).toEqual([{ from: expect.any(Number), to: null }]);
  }
  const times = told.map(({ record }) => record.at);
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
});

it("judges blocks that nobody led when it takes over: an attack in them is told of with its time", async () => {
  const minute = 60_000;
  const now = blockAt(Date.now(), minute);
  const attacked = now - 15;
  server.initial = encodeState(startFleet(material, now - 20, minute), null);
  const recorder = new BlockRecorder(minute, 64);
  recorder.addFlags(model, attacked * minute, 100, 60);
  const { told, alarms } = await lead({ recorder, blockMs: minute }, 1);
  const [first] = told;
  const windows = [{ from: blockEnd(attacked - settings.shareWindow, minute), to: null }];
  const { block, alarms: saved } = stateOf(first?.saved, minute);
  expect(first?.record).toEqual({ at: blockEnd(block, minute), windows });
  expect(block).toBeGreaterThan(attacked);
  expect(saved.AdversarialAnomaly).toEqual({ number: 1, active: true });
  expect(alarms.map(({ raised }) => raised)).toEqual([[{ signal: "AdversarialAnomaly", number: 1 }]]);
});

it("begins anew, and says so once, where a fast clock has saved blocks that are far from ended", async () => {
  const minute = 60_000;
  const now = blockAt(Date.now(), minute);
  const ahead = startFleet(material, now + 1440, minute);
  const attacks = [{ from: blockEnd(now + 1400, minute), to: null }];
  const alarms = { ...ahead.alarms, AdversarialAnomaly: { number: 7, active: true } };
  server.initial = encodeState({ ...ahead, alarms, attacks }, null);
  const { told, faults } = await lead({ blockMs: minute }, 1);
  const { block, alarms: kept } = stateOf(told[0]?.saved, minute);
  expect(block).toBeLessThan(now);
  expect(kept.AdversarialAnomaly).toEqual({ number: 7, active: true });
  expect(told[0]?.record.windows).toEqual([{ from: expect.any(Number), to: null }]);
  expect(told[0]?.record.windows[0]?.from).toBeLessThan(Date.now());
  expect(faults.map(String)).toEqual([expect.stringMatching(/saved statistics go to .* begin anew/)]);
});

it("waits for the few blocks that clocks may differ by", async () => {
  const ahead = blockAt(Date.now(), blockMs) + 10;
  server.initial = encodeState(startFleet(material, ahead, blockMs), null);
  const { told, faults } = await lead({}, 1);
  expect(stateOf(told[0]?.saved).block).toBeGreaterThan(ahead);
  expect(faults).toEqual([]);
});

it("tells once what an alarm was raised from, also when its state was not saved the first time", async () => {
  server.refusing = 1;
  const { alarms } = await lead({ pods: { compared: 2, mismatched: 1 } }, 3);
  expect(alarms).toHaveLength(1);
  const [alarm] = alarms;
  expect(alarm?.raised).toEqual([{ signal: "ModelChanged", number: 1 }]);
  expect(alarm && recomputeAlarms(alarm, material).ModelChanged).toEqual({ number: 1, active: true });
});
