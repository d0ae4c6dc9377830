import { expect, it } from "vitest";
import { buildReference, matrixOf, seededRandom } from "../monitor/index.ts";
import { fleetSettingsFixture } from "./fleet.fixture.ts";
import { startFleet, stepFleet } from "./fleet-monitor.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { type Material, noMaterial } from "./material.ts";

const model = `sha256:${"a".repeat(64)}`;
/** A of the default budget. */
const threshold = 129_600;

function materialOf(vectors: number): Material {
  const random = seededRandom(1);
  const rows = Array.from({ length: vectors }, () => Float32Array.from({ length: 4 }, () => random.gaussian()));
  const drift = buildReference({ model, inputs: "x", embeddings: matrixOf(rows), seed: 1 });
  return { ...noMaterial(model, ""), drift, baseline: drift };
}

async function figuresOf(vectors: number): Promise<(name: string) => number | undefined> {
  const material = materialOf(vectors);
  const settings = { ...fleetSettingsFixture, threshold };
  const metrics = new GatewayMetrics("ns", "svc");
  const pods = { compared: 0, mismatched: 0 };
  const step = stepFleet(startFleet(material, 0, 1000), 1, null, pods, material, settings);
  metrics.stepped(step, { threshold, minShare: 0.1, blockEnd: 2000, p: null });
  const shown = await metrics.registry.getMetricsAsJSON();
  return (name) =>
    shown
      .find((metric) => metric.name === `evenkeel_monitor_${name}`)
      ?.values.find(({ labels }) => labels["signal"] === "RepresentationDrift")?.value;
}

it("a reference that is too small for an alarm is told with how many inputs it takes", async () => {
  const small = await figuresOf(270);
  expect(small("learning")).toBe(1);
  expect(small("log10_reachable")).toBeLessThan(Math.log10(threshold));
  expect(small("reference_inputs_needed")).toBe(1104);
});

it("the vectors of so many inputs are enough", async () => {
  const enough = await figuresOf(1104 / 4);
  expect(enough("learning")).toBe(0);
  expect(enough("log10_reachable")).toBeGreaterThan(Math.log10(threshold));
});
