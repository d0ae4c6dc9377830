import { expect, it } from "vitest";
import { manualClock } from "../kube/index.ts";
import { type Outage, reachability } from "./reachability.ts";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function rig(answers: readonly (string | null)[]) {
  const clock = manualClock(0);
  const told: (Outage | null)[] = [];
  const left = [...answers];
  const stop = new AbortController();
  let asked = 0;
  const ask = async () => {
    asked += 1;
    const fault = left.shift() ?? null;
    if (fault !== null) throw new Error(fault);
  };
  const fault = reachability({ ask, tell: (outage) => told.push(outage), signal: stop.signal, clock });
  return { clock, told, stop, fault, asked: () => asked };
}

it("says nothing of a watch that broke while the cluster answers", async () => {
  const { told, fault, asked } = rig([null]);
  fault();
  await settled();
  expect({ told, asked: asked() }).toEqual({ told: [], asked: 1 });
});

it("asks until there is an answer, and says since when there was none", async () => {
  const { clock, told, fault, asked } = rig(["refused", "still refused", null]);
  fault();
  fault();
  await settled();
  expect(told).toEqual([{ since: "1970-01-01T00:00:00.000Z", message: "refused" }]);
  clock.advance(2000);
  await settled();
  expect(told.at(-1)).toEqual({ since: "1970-01-01T00:00:00.000Z", message: "still refused" });
  clock.advance(2000);
  await settled();
  expect(told.at(-1)).toBeNull();
  expect(clock.pending).toBe(0);
  fault();
  await settled();
  expect(asked()).toBe(4);
});

it("ends with its signal", async () => {
  const { clock, fault, stop, asked } = rig(["refused", "refused"]);
  fault();
  await settled();
  stop.abort();
  await settled();
  expect({ asked: asked(), pending: clock.pending }).toEqual({ asked: 1, pending: 0 });
});
