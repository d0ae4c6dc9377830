import { describe, expect, it } from "vitest";
import { gatewayConfig } from "../api/index.ts";
import { leastRequests } from "./balancer.ts";
import { choosePool, position } from "./routing.ts";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const routing = (weight: number) =>
  gatewayConfig.shape.routing.parse({
    salt: "salt",
    stickyHeader: null,
    stable: { digest: digest("a"), uri: "u" },
    candidate: { digest: digest("b"), uri: "u", selector: "app=candidate", deployment: "d", weight, mirror: false },
  });
const both = () => true;
const keys = Array.from({ length: 5000 }, (_, i) => `client-${i}`);

describe("position", () => {
  it("is the first 48 bits of SHA-256(salt, line feed, key): alike on every replica", () => {
    // printf 'salt\nkey' | sha256sum begins with 4196e2e8350b
    const known = position("salt", "key");
    expect(known).toBe(Number.parseInt(knownPrefix, 16) / 2 ** 48);
  });

  it("is uniform: each tenth holds about a tenth of the keys", () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const key of keys) tenths[Math.floor(position("s", key) * 10)]!++;
    for (const count of tenths) expect(Math.abs(count - 500)).toBeLessThan(5 * Math.sqrt(450));
  });

  it("deals keys anew with another salt", () => {
    const moved = keys.filter((key) => position("a", key) < 0.5 !== position("b", key) < 0.5);
    expect(moved.length / keys.length).toBeCloseTo(0.5, 1);
  });
});

describe("choosePool", () => {
  const pool = (weight: number, key: string, documents = false, has: (pool: string) => boolean = both) =>
    choosePool(routing(weight), { key, documents }, has);

  it("never moves a key back when the weight is raised", () => {
    for (const key of keys.slice(0, 500)) {
      const pools = Array.from({ length: 101 }, (_, weight) => pool(weight, key));
      expect(pools.lastIndexOf("stable")).toBeLessThan(pools.indexOf("candidate"));
      expect(pools[0]).toBe("stable");
      expect(pools[100]).toBe("candidate");
    }
  });

  it.each([5, 25, 50])("gives the candidate its weight of %i %%", (weight) => {
    const share = keys.filter((key) => pool(weight, key) === "candidate").length / keys.length;
    expect(Math.abs(share - weight / 100)).toBeLessThan(0.03);
  });

  it.each([
    ["documents stay on stable", 50, true, both, "stable"],
    ["documents stay on stable at 100 while it has pods", 100, true, both, "stable"],
    ["documents go along at 100 once stable has none", 100, true, (name: string) => name === "candidate", "candidate"],
    ["a candidate without pods", 100, false, (name: string) => name === "stable", "stable"],
    ["a stable without pods is not replaced", 0, false, (name: string) => name === "candidate", "stable"],
  ] as const)("%s", (_, weight, documents, has, expected) => {
    expect(pool(weight, "key", documents, has)).toBe(expected);
  });

  it("documents leave a bad version at once, for the one that is gone back to", () => {
    const back = routing(100);
    const left = { ...back, candidate: back.candidate && { ...back.candidate, documents: true } };
    expect(choosePool(left, { key: "key", documents: true }, both)).toBe("candidate");
  });
});

describe("leastRequests", () => {
  const pods = [3, 1, 2, 1].map((inFlight, name) => ({ inFlight, name }));

  it.each([
    ["the least", 0, null, 1],
    ["among equals the next after the start", 2, null, 3],
    ["not the one that failed", 0, 1, 3],
  ])("takes %s", (_, start, except, expected) => {
    expect(leastRequests(pods, start, except === null ? null : (pods[except] ?? null))?.name).toBe(expected);
  });

  it("takes the one that failed when there is no other, and nothing of nothing", () => {
    const [only] = pods;
    expect(leastRequests(pods.slice(0, 1), 0, only)).toBe(only);
    expect(leastRequests([], 0, only)).toBeNull();
  });
});

const knownPrefix = "4196e2e8350b";
