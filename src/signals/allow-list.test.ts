import { expect, it } from "vitest";
import { isAllowedUrl } from "./allow-list.ts";

const allowed = ["http://prometheus.monitoring:9090", "https://mimir.example/tenant-a"];

it.each([
  ["http://prometheus.monitoring:9090", true],
  ["http://prometheus.monitoring:9090/", true],
  ["http://prometheus.monitoring:9090/prefix", true],
  ["HTTP://PROMETHEUS.monitoring:9090", true],
  ["https://mimir.example/tenant-a/", true],
  ["https://mimir.example:443/tenant-a/prometheus", true],
  ["https://mimir.example/tenant-ab", false],
  ["https://mimir.example/tenant-a/../tenant-b", false],
  ["https://mimir.example/", false],
  ["http://mimir.example/tenant-a", false],
  ["http://prometheus.monitoring", false],
  ["http://prometheus.monitoring:90909", false],
  ["http://prometheus.monitoring:9090.example.com", false],
  ["http://prometheus.monitoring:9090@example.com", false],
  ["http://user:secret@prometheus.monitoring:9090", false],
  ["http://prometheus.monitoring:9090/?next=http://example.com", false],
  ["file:///etc/passwd", false],
  ["prometheus", false],
  ["", false],
])("%s: %s", (url, expected) => {
  expect(isAllowedUrl(url, allowed)).toBe(expected);
});

it("an empty list allows nothing, and an entry that is no URL allows nothing", () => {
  expect(isAllowedUrl("http://a", [])).toBe(false);
  expect(isAllowedUrl("http://a", ["a", ""])).toBe(false);
});
