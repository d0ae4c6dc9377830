import { expect, it } from "vitest";
import { type ConfigMap, configMaps, formatKey, Informer, keyOf, namespaces } from "../../../src/kube/index.ts";
import type { Fault } from "../../harness/faulty-proxy.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace, startProxy } from "./cluster.ts";

const writes = 400;

/** xorshift32: the same faults for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function anyFault(random: () => number): Fault {
  const amount =
    random() < 0.5 ? { afterLines: Math.floor(random() * 8) + 1 } : { afterBytes: Math.floor(random() * 4_000) + 1 };
  const faults: readonly Fault[] = [
    { kind: "Cut", ...amount },
    { kind: "Cut", how: "End", ...amount },
    { kind: "HalfLine", afterLines: Math.floor(random() * 5) },
    { kind: "Stall", ...amount },
    {
      kind: "Inject",
      afterLines: Math.floor(random() * 5) + 1,
      line: '{"type":"ERROR","object":{"kind":"Status","code":410}}',
    },
    { kind: "Inject", afterLines: Math.floor(random() * 5) + 1, line: "{" },
    { kind: "Answer", status: 500 },
    { kind: "Answer", status: 429 },
    { kind: "Answer", status: 410, reason: "Expired" },
    { kind: "Delay", ms: 30 },
  ];
  return faults[Math.floor(random() * faults.length)] ?? { kind: "NeverAnswer" };
}

it.each([1, 2, 3])(
  "whatever goes wrong with whatever request (seed %i), the cache becomes what the server has",
  async (seed) => {
    const random = seeded(seed * 7_919);
    const direct = await connectShared();
    const namespace = await freshNamespace(direct, "soak");
    const proxy = await startProxy();
    const proxied = await connectShared(proxy, { timeoutMs: 500 });
    let struck = 0;
    proxy.fault({
      when: ({ verb }) => (verb === "watch" || verb === "list") && random() < 0.7,
      times: Number.POSITIVE_INFINITY,
      fault: () => {
        struck += 1;
        return anyFault(random);
      },
    });

    const stop = new AbortController();
    const informer = new Informer<ConfigMap>({
      kube: proxied,
      resource: configMaps,
      namespaces: [namespace],
      pageSize: 7,
      idleTimeoutMs: 150,
      backoff: { baseMs: 5, maxMs: 50, jitter: 0.5 },
      indexes: { n: ({ data }) => [data?.["n"] ?? ""] },
    });
    const uids = new Map<string, string>();
    const wrong: string[] = [];
    informer.on((change) => {
      const id = formatKey(change.key);
      const uid = uids.get(id);
      if (change.type === "Added" ? uid !== undefined : uid !== change.old.metadata.uid)
        wrong.push(`${change.type} ${id}`);
      if (change.type === "Deleted") uids.delete(id);
      else uids.set(id, change.object.metadata.uid);
    });
    const running = informer.run(stop.signal);

    for (let write = 0; write < writes; write += 1) {
      const name = `object-${Math.floor(random() * 40)}`;
      const dice = random();
      if (dice < 0.3) await direct.delete(configMaps, { namespace, name });
      else await direct.apply(configMaps, { metadata: { name, namespace }, data: { n: `${write}` } });
    }
    await waitFor("many faults", () => struck >= 10);
    const { items } = await direct.list(configMaps, { namespace });
    const state = (objects: Iterable<(typeof items)[number]>) =>
      [...objects]
        .map((object) => `${formatKey(keyOf(object))} ${object.metadata.uid} ${object.metadata.resourceVersion}`)
        .toSorted();
    // While the faults go on.
    await waitFor("the cache to be what the server has", () => state(informer.list()).join() === state(items).join(), {
      withinMs: 20_000,
    });
    expect(wrong).toEqual([]);
    expect(uids.size).toBe(items.length);
    for (const { data } of items) expect(informer.by("n", data?.["n"] ?? "")).toHaveLength(1);

    stop.abort();
    await running;
    await proxied.close();
    await proxy.stop();
    await direct.delete(namespaces, { name: namespace });
    await direct.close();
  },
);
