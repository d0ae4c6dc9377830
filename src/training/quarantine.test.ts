import { beforeAll, describe, expect, it } from "vitest";
import { useWasm } from "../../test/harness/wasm-backend.ts";
import { buildNetwork, type Encoder, embedAll, initialWeights } from "../model/index.ts";
import { seededRandom } from "../monitor/index.ts";
import { rowsOfPart, sourceId16, type VectorDataset } from "../registry/index.ts";
import { calibrateConsistency } from "./bundle-files.ts";
import { admitTraffic, type ConsistencyCalibration } from "./quarantine.ts";

let encoder: Encoder;
let calibration: ConsistencyCalibration;
const random = seededRandom(3);

function vectors(count: number, clients: ((row: number) => string) | null, scale = 1): VectorDataset {
  return {
    modality: "Vector",
    shape: [4],
    count,
    domainNames: ["base"],
    source: "",
    inputs: Float32Array.from({ length: count * 4 }, () => scale * random.gaussian()),
    sources: new Uint8Array(count * 16),
    times: Float64Array.from({ length: count }, (_, i) => i),
    ...(clients && {
      clients: new Uint8Array(Buffer.concat(Array.from({ length: count }, (_, row) => sourceId16(clients(row))))),
    }),
  };
}

beforeAll(async () => {
  await useWasm();
  const network = buildNetwork({
    model_type: "evenkeel-residual-mlp",
    input_shape: [4],
    hidden_size: 16,
    intermediate_size: 16,
    num_hidden_layers: 1,
    embedding_size: 8,
  });
  encoder = { network, weights: initialWeights(network, seededRandom(1)) };
  const clean = vectors(600, null);
  calibration = calibrateConsistency(encoder, clean, embedAll(encoder, clean.inputs), [], 1);
});

const admit = (traffic: VectorDataset, since: number | null = null) =>
  admitTraffic(encoder, traffic, calibration, since, 900, seededRandom(5));
const move = (traffic: VectorDataset, from: number, to: number): void => {
  for (let row = from; row < to; row++) traffic.inputs[row * 4] = (traffic.inputs[row * 4] ?? 0) + 3;
};

describe("admitTraffic", () => {
  it("sets aside about a hundredth of what is like the reference", () => {
    expect(admit(vectors(3000, (row) => `c${row % 300}`)).quarantined).toBeLessThan(0.025);
  });

  it("leaves the half that judges what came out of the reference", () => {
    const traffic = vectors(3000, (row) => `c${row % 300}`);
    const judging = new Set(rowsOfPart(traffic, "Judging"));
    const { rows } = admit(traffic);
    expect(rows.length).toBeGreaterThan(1200);
    expect(rows.some((row) => judging.has(row))).toBe(false);
  });

  it("uses nothing when more than a fifth is set aside", () => {
    // Scores shrunk by hand: to this calibration nearly everything looks moved.
    const strict = new Map(
      [...calibration].map(([name, { clean }]) => [
        name,
        { clean: clean.map((score) => score / 100), benign: new Float32Array(0) },
      ]),
    );
    const { rows, quarantined } = admitTraffic(encoder, vectors(300, null), strict, null, 900, seededRandom(5));
    expect(quarantined).toBeGreaterThan(0.2);
    expect(rows).toHaveLength(0);
  });

  it("admits what came since traffic changed the last time, and nothing of what came before", () => {
    const traffic = vectors(4000, (row) => `c${row % 300}`);
    move(traffic, 0, 2000);
    const { rows, before, keyed } = admit(traffic);
    expect(keyed).toBe(true);
    expect(Math.min(...rows)).toBeGreaterThan(1900);
    expect(rows.length).toBeGreaterThan(800);
    expect(before).toBeGreaterThan(800);
  });

  it("admits all of traffic that does not change", () => {
    expect(admit(vectors(4000, (row) => `c${row % 300}`)).before).toBe(0);
  });

  it("is shown no change by one client that floods the newest samples with others", () => {
    const traffic = vectors(4000, (row) => (row < 2800 ? `c${row % 300}` : "a flood"));
    move(traffic, 2800, 4000);
    const { rows, before, keyed } = admit(traffic);
    expect(keyed).toBe(true);
    expect(before).toBe(0);
    expect([...rows].filter((row) => row >= 2800).length).toBeLessThanOrEqual(0.01 * rows.length);
  });

  it("keeps enough for a reference of many clients, some of which send most", () => {
    const uneven = seededRandom(9);
    const traffic = vectors(8000, () => `c${Math.floor(400 ** uneven.uniform())}`);
    move(traffic, 0, 4000);
    const { rows, before, keyed } = admit(traffic);
    expect(keyed).toBe(true);
    expect(before).toBeGreaterThan(0);
    expect(rows.length).toBeGreaterThanOrEqual(400);
  });

  it("is shown no change by clients that send much and something of their own", () => {
    const uneven = seededRandom(11);
    const client = Array.from({ length: 6000 }, () =>
      uneven.uniform() < 0.6 ? `heavy${uneven.integer(20)}` : `c${uneven.integer(300)}`,
    );
    const traffic = vectors(6000, (row) => client[row] ?? "");
    client.forEach((name, row) => {
      if (name.startsWith("heavy")) move(traffic, row, row + 1);
    });
    expect(admit(traffic)).toMatchObject({ before: 0, keyed: true });
  });

  it("takes what was accepted before from the same time on, whatever has changed within it", () => {
    const traffic = vectors(4000, (row) => `c${row % 300}`);
    move(traffic, 0, 3000);
    const { rows } = admit(traffic, 1000);
    expect(Math.min(...rows)).toBeGreaterThanOrEqual(1000);
    expect(Math.min(...rows)).toBeLessThan(1100);
  });

  it("holds a flooding client to a hundredth of what is admitted", () => {
    const traffic = vectors(3000, (row) => (row < 1500 ? "a flood" : `c${row % 300}`));
    const { rows, keyed } = admit(traffic);
    const flood = Buffer.from(sourceId16("a flood")).toString("hex");
    const ofFlood = [...rows].filter(
      (row) => Buffer.from(traffic.clients?.subarray(row * 16, row * 16 + 16) ?? []).toString("hex") === flood,
    );
    expect(keyed).toBe(true);
    expect(ofFlood.length).toBeGreaterThan(0);
    expect(ofFlood.length).toBeLessThanOrEqual(0.01 * rows.length);
  });

  it.each<[string, ((row: number) => string) | null]>([
    ["without keys", null],
    ["with fewer than 100 clients", (row) => `c${row % 20}`],
  ])("holds traffic %s to a tenth of the reference, the newest first", (_, clients) => {
    const { rows, keyed } = admit(vectors(3000, clients));
    expect(keyed).toBe(false);
    expect(rows).toHaveLength(100);
    expect(Math.min(...rows)).toBeGreaterThan(2850);
  });

  it("refuses to score with too small a calibration", () => {
    const small = new Map([["Quantise" as const, { clean: new Float32Array(10), benign: new Float32Array(0) }]]);
    expect(() => admitTraffic(encoder, vectors(10, null), small, null, 900, seededRandom(5))).toThrow(
      "Quantise needs 99 reference inputs",
    );
  });
});
