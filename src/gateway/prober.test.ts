import { afterEach, expect, it } from "vitest";
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
const stop = new AbortController();
const open: TestServer[] = [];
afterEach(async () => {
  stop.abort();
  for (const server of open) await server.close();
});

const pod = (port = 0) =>
  serve(
    answering((_body, _request, response) => {
      response.end("[[1, 0]]");
    }),
    { host: "127.0.0.1", port },
  );

it("tells a pod on whose port nothing answers from one that was not asked yet, until it answers", async () => {
  const gone = await pod();
  await gone.close();
  const directory = new PodDirectory(gone.port, defaultLimits.upstream);
  directory.setAdmission(() => "Match");
  const identity = { uid: "1", name: "pod-0", address: "127.0.0.1", digest: model, ready: true };
  expect(directory.put(identity)).toBe(true);
  const told: string[] = [];
  const prober = new Prober({
    directory,
    protocol: protocols.TEI,
    material: () => ({ ...noMaterial(model, ""), probes }),
    noise: new RepeatNoiseBook({ saved: async () => ({}), onFault: () => {} }),
    everyMs: 10,
    timeoutMs: 5_000,
    onProbe: (_, { kind }) => told.push(kind),
  });
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
