import { describe, expect, it } from "vitest";
import { beginningAt, nextOrder } from "./embed-leader.ts";
import type { EmbedOrder } from "./embed-order.ts";

const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const order = (character: string): EmbedOrder => ({
  store: "/store",
  service: { namespace: "search", name: "shop" },
  model: { digest: digest(character), uri: character },
  dataset: `store://data/shop@${digest("d")}`,
  protocol: "TEI",
  port: 80,
  pods: ["x", "y", "z"].map((name) => ({ name, address: name })),
});

describe("whose turn it is to be embedded", () => {
  const orders = [order("a"), order("b")];

  it("is the first's, of those that were never tried", () => {
    expect(nextOrder(orders, new Map(), 0)?.model.uri).toBe("a");
    expect(nextOrder([], new Map(), 0)).toBeNull();
  });

  it("passes to the other while one backs off, and comes back", () => {
    const tried = new Map([[digest("a"), { failures: 1, notBefore: 100 }]]);
    expect(nextOrder(orders, tried, 99)?.model.uri).toBe("b");
    tried.set(digest("b"), { failures: 1, notBefore: 200 });
    expect(nextOrder(orders, tried, 99)).toBeNull();
    expect(nextOrder(orders, tried, 1000)?.model.uri).toBe("a");
  });
});

it("a try that follows a failure begins with another pod", () => {
  const firsts = [0, 1, 2, 3].map((failures) => beginningAt(failures, order("a")).pods[0]?.name);
  expect(firsts).toEqual(["x", "y", "z", "x"]);
  expect(beginningAt(1, order("a")).pods.map(({ name }) => name)).toEqual(["y", "z", "x"]);
});
