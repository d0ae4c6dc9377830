import type { FleetSettings } from "./fleet-monitor.ts";

/** Of a small fleet whose detectors take a plain shift to raise an alarm. */
export const fleetSettingsFixture: FleetSettings = {
  threshold: 1000,
  minVectors: 30,
  minShare: 0.1,
  shareWindow: 5,
  minScored: 30,
  protecting: false,
};
