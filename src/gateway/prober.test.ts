import { afterEach, beforeEach, expect, it } from "vitest";
import { waitFor } from "../../test/harness/wait.ts";
import { answering, serve, type TestServer } from "../../test/integration/gateway/rig.ts";
import { matrixOf } from "../monitor/index.ts";
import { defaultLimits } from "./limits.ts";
import { noMaterial } from "./material.ts";
import { PodDirectory } from "./pod-directory.ts";
import { Prober } from "./prober.ts";
import { protocols } from "./protocols/index.ts";
import { RepeatNoiseBook } from "./repeat-noise.ts";

const model = "a";
const probes = { inputs: [[1, 0]], expected: matrixOf([Float32Array.of(1, 0)]) };
let stop: AbortController;
const open: TestServer[] = [];
beforeEach(() => {
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  for (const server of open.splice(0)) await server.close();
});

const pod = (port = 0, host = "127.0.0.1") =>
  serve(
    answering((_body, _request, response) => {
      response.end("[[1, 0]]");
    }),
    { host, port },
  );

const identityOf = (uid: string, address: string) => ({ uid, name: `pod-${uid}`, address, digest: model, ready: true });

function watching(port: number, everyMs: number) {
  const directory = new PodDirectory(port, defaultLimits.upstream);
  directory.setAdmission(() => "Match");
  const told: string[] = [];
  const faults: unknown[] = [];
  const prober = new Prober({
    directory,
    protocol: protocols.TEI,
    material: () => ({ ...noMaterial(model, ""), probes }),
    noise: new RepeatNoiseBook({ saved: async () => ({}), onFault: () => {} }),
    everyMs: () => everyMs,
    timeoutMs: 600_000,
    onProbe: (_, { kind }) => told.push(kind),
    onFault: (error) => faults.push(error),
  });
  return { directory, prober, told, faults };
}

it("tells a pod on whose port nothing answers from one that was not asked yet, until it answers", async () => {
  const gone = await pod();
  await gone.close();
  const { directory, prober, told } = watching(gone.port, 10);
  expect(directory.put(identityOf("0", "127.0.0.1"))).toBe(true);
  const running = prober.run(stop.signal);
  const probe = () => directory.entries()[0]?.probe;
  await waitFor("it to be asked", () => probe()?.kind === "Unanswered");
  expect(probe()).toMatchObject({ why: expect.stringMatching(/^pod-0: connect ECONNREFUSED/) });
  expect(directory.admitted(model)).toEqual([]);
  expect(told).toEqual([]);
  open.push(await pod(gone.port));
  await waitFor("it to match", () => directory.admitted(model).length === 1);
  stop.abort();
  await running;
  directory.clear();
});

it("admits a pod while another one takes its probe and never answers, and asks none twice at once", async () => {
  let asked = 0;
  const hung = await serve(() => asked++);
  open.push(hung, await pod(hung.port, "127.0.0.2"));
  const { directory, prober, faults } = watching(hung.port, 10);
  directory.put(identityOf("0", "127.0.0.1"));
  const running = prober.run(stop.signal);
  await waitFor("the first to be asked", () => asked === 1);
  directory.put(identityOf("1", "127.0.0.2"));
  prober.kick();
  await waitFor("the second to be admitted", () => directory.admitted(model).length === 1);
  expect(directory.entries().map(({ probe }) => probe.kind)).toEqual(["Unprobed", "Matched"]);
  expect(asked).toBe(1);
  expect(faults).toEqual([]);
  stop.abort();
  await running;
  directory.clear();
});

it("gives up the probe of a pod that is not ready any more, and asks it anew once it is", async () => {
  let asked = 0;
  const hung = await serve(() => asked++);
  open.push(hung);
  const { directory, prober, told } = watching(hung.port, 60_000);
  const ready = identityOf("0", "127.0.0.1");
  directory.put(ready);
  const running = prober.run(stop.signal);
  await waitFor("it to be asked", () => asked === 1);
  directory.put({ ...ready, ready: false });
  prober.kick();
  await Promise.resolve();
  directory.put(ready);
  prober.kick();
  await waitFor("it to be asked anew", () => asked === 2);
  expect(told).toEqual([]);
  stop.abort();
  await running;
  directory.clear();
});
