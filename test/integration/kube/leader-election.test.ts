import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from "vitest";
import {
  configMaps,
  Informer,
  type Kube,
  KubeError,
  LeaderElector,
  leases,
  manualClock,
  namespaces,
  sleep,
} from "../../../src/kube/index.ts";
import type { FaultyProxy } from "../../harness/faulty-proxy.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace, kubeconfigText, startProxy } from "./cluster.ts";

const leaseDurationMs = 2_000;
const program = fileURLToPath(new URL("candidate.ts", import.meta.url));

let kube: Kube;
let namespace: string;
let proxy: FaultyProxy;
let watching: AbortController;
/** Who wrote the journal, in the order in which the server has it; repeats folded. */
let writers: string[];
let following: Promise<void>;
const children: Candidate[] = [];
const figures: string[] = [];

interface Candidate {
  readonly process: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

beforeAll(async () => {
  kube = await connectShared();
});
afterAll(async () => {
  await kube.close();
  process.stdout.write(
    `\nleader election, lease of ${leaseDurationMs} ms:\n${figures.map((line) => `  ${line}`).join("\n")}\n`,
  );
});

beforeEach(async () => {
  namespace = await freshNamespace(kube, "leader");
  await kube.create(configMaps, { metadata: { name: "journal", namespace } });
  proxy = await startProxy();
  watching = new AbortController();
  writers = [];
  const journal = new Informer({
    kube,
    resource: configMaps,
    namespaces: [namespace],
    fieldSelector: "metadata.name=journal",
  });
  journal.on((change) => {
    const holder = change.type === "Updated" ? change.object.data?.["holder"] : undefined;
    if (holder !== undefined && writers.at(-1) !== holder) writers.push(holder);
  });
  following = journal.run(watching.signal);
  await journal.whenSynced();
});
afterEach(async () => {
  for (const { process: child, ended } of children.splice(0)) {
    child.kill("SIGKILL");
    await ended;
  }
  watching.abort();
  await following;
  await proxy.stop();
  await kube.delete(namespaces, { name: namespace });
});

function candidate(identity: string, through: "Proxy" | "Direct" = "Proxy", writers = 4): Candidate {
  const { ca, token, url } = inject("cluster");
  const config = {
    kubeconfigText: kubeconfigText(through === "Proxy" ? proxy.url : url, ca, token),
    namespace,
    identity,
    leaseDurationMs,
    writers,
  };
  const child = spawn(process.execPath, [program, JSON.stringify(config)], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (text: Buffer) => {
    said += text.toString();
  });
  const ended = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const made = { process: child, said: () => said, ended };
  children.push(made);
  return made;
}

const leading = (name: string, { said }: Candidate) =>
  waitFor(`${name} to lead`, () => said().includes("leading"), { everyMs: 5 });
const wrote = (name: string) => waitFor(`${name} to write`, () => writers.at(-1) === name, { everyMs: 5 });

it.each([1, 2])("a leader stopped past its lease and resumed writes nothing more (%i)", async () => {
  // Without a proxy in between, which would swallow a write whose client goes away at once.
  const a = candidate("a", "Direct");
  await leading("a", a);
  await wrote("a");
  const b = candidate("b", "Direct");
  a.process.kill("SIGSTOP");
  const startedAt = performance.now();
  await leading("b", b);
  figures.push(`takeover from a stopped leader: ${(performance.now() - startedAt).toFixed(0)} ms`);
  await wrote("b");
  a.process.kill("SIGCONT");
  expect(await a.ended).toBe(3);
  expect(a.said()).toMatch(/told to stop\nlost after \d+ fenced writes/);
  // b goes on for a while, so that whatever a had under way would have come.
  await kube.mergePatch(configMaps, { namespace, name: "journal" }, { data: { holder: "end" } });
  await wrote("b");
  expect(
    writers
      .filter((name) => name !== "end")
      .join("")
      .replace(/b+/g, "b"),
  ).toBe("ab");
});

it("a lease that was made for the candidates, without a holder, is taken at once", async () => {
  await kube.create(leases, { metadata: { name: "leader", namespace } });
  const a = candidate("a");
  await leading("a", a);
  await wrote("a");
  expect((await kube.get(leases, { namespace, name: "leader" }))?.spec).toMatchObject({ holderIdentity: "a" });
});

it("a leader that cannot reach its lease stops writing before another begins", async () => {
  const a = candidate("a");
  await leading("a", a);
  await wrote("a");
  // Only its renewals are lost: its writes would still reach the server.
  const key = { namespace, name: "leader" };
  const { spec } = (await kube.get(leases, key)) ?? {};
  expect(spec?.holderIdentity).toBe("a");
  const cut = proxy.fault({
    when: ({ resource, verb }) => resource === "leases" && verb === "replace",
    fault: { kind: "NeverAnswer" },
    times: 1e9,
  });
  expect(await a.ended).toBe(3);
  cut.remove();
  const endedAt = performance.now();
  const b = candidate("b");
  await leading("b", b);
  figures.push(
    `takeover from a leader without connection, after it gave up: ${(performance.now() - endedAt).toFixed(0)} ms`,
  );
  await wrote("b");
  expect(writers).toEqual(["a", "b"]);
});

it("a leader that is asked to stop gives the lease back, and the next one takes it at once", async () => {
  const a = candidate("a");
  await leading("a", a);
  const b = candidate("b");
  await wrote("a");
  await waitFor(
    "b to be looking",
    () => proxy.calls.filter(({ resource, verb }) => resource === "leases" && verb === "get").length > 5,
  );
  const startedAt = performance.now();
  a.process.kill("SIGTERM");
  expect(await a.ended).toBe(0);
  // Given back before it ended: nobody has to wait for it to run out.
  expect((await kube.get(leases, { namespace, name: "leader" }))?.spec?.holderIdentity).not.toBe("a");
  await leading("b", b);
  figures.push(`takeover after SIGTERM: ${(performance.now() - startedAt).toFixed(0)} ms`);
  await wrote("b");
  expect(writers).toEqual(["a", "b"]);
});

it.each(["2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"])(
  "a holder whose clock says %s keeps its lease while it renews, and loses it when it does not",
  async (renewTime) => {
    const key = { namespace, name: "skewed" };
    const spec = { holderIdentity: "ghost", leaseDurationSeconds: 2, renewTime };
    const renew = (n: number) => kube.mergePatch(leases, key, { spec: { leaseTransitions: n } });
    await kube.create(leases, { metadata: key, spec });
    // The candidate's clock: between two looks, its one timer is running.
    const clock = manualClock();
    const nextLook = async () => {
      clock.advance(300);
      await waitFor("the candidate to have looked", () => led || clock.pending === 1, { everyMs: 5 });
    };
    let led = false;
    const elector = new LeaderElector({ kube, lease: key, identity: "x", leaseDurationMs, clock });
    const running = elector.run(new AbortController().signal, async () => {
      led = true;
    });
    for (let n = 0; n < 12; n += 1) {
      await renew(n);
      await nextLook();
      expect(led).toBe(false);
    }
    // By its clock the duration of a lease, 2 s, is over with the seventh look after the one that saw the last renewal.
    for (let looks = 1; looks < 7; looks += 1) {
      await nextLook();
      expect(led).toBe(false);
    }
    await nextLook();
    expect(led).toBe(true);
    await running;
    expect((await kube.get(leases, key))?.spec?.leaseTransitions).toBe(12);
  },
);

it("a leader whose work failed keeps its lease until it runs out: something may still be under way", async () => {
  const key = { namespace, name: "failed" };
  const elector = new LeaderElector({ kube, lease: key, identity: "x", leaseDurationMs });
  const failing = elector.run(new AbortController().signal, async () => {
    throw new Error("still at work");
  });
  await expect(failing).rejects.toThrow("still at work");
  expect((await kube.get(leases, key))?.spec?.holderIdentity).toBe("x");
});

it("one of many leads", async () => {
  const stop = new AbortController();
  const led: string[] = [];
  const runs = ["x", "y", "z"].map((identity) => {
    const elector = new LeaderElector({ kube, lease: { namespace, name: "many" }, identity, leaseDurationMs });
    return elector.run(stop.signal, async ({ signal }) => {
      led.push(identity);
      if (led.length < 3) return;
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    });
  });
  // Each leads one term and gives the lease back.
  await waitFor("all to have led", () => led.length === 3);
  stop.abort();
  await Promise.all(runs);
  expect(led.toSorted()).toEqual(["x", "y", "z"]);
  expect((await kube.get(leases, { namespace, name: "many" }))?.spec).toMatchObject({
    holderIdentity: "",
    leaseTransitions: 2,
  });
});

it("gives the lease back although a renewal that was given up has reached the server after all", async () => {
  const key = { namespace, name: "late" };
  const stop = new AbortController();
  let renewals = 0;
  /** Does the first renewal, and is told to stop before the answer is seen. */
  const replace: Kube["replace"] = async (resource, object) => {
    const stored = await kube.replace(resource, object, { timeoutMs: 10_000 });
    renewals += 1;
    if (renewals > 1) return stored;
    stop.abort();
    throw new KubeError("Aborted", "given up");
  };
  const late: Kube = new Proxy(kube, {
    get: (whole, name) => {
      if (name === "replace") return replace;
      if (name === "unthrottled") return () => late;
      const member: unknown = Reflect.get(whole, name);
      return typeof member === "function" ? member.bind(whole) : member;
    },
  });
  const elector = new LeaderElector({ kube: late, lease: key, identity: "x", leaseDurationMs });
  await elector.run(stop.signal, ({ signal }) => sleep(60_000, signal).catch(() => {}));
  expect(renewals).toBeGreaterThan(1);
  expect((await kube.get(leases, key))?.spec?.holderIdentity).toBe("");
});
