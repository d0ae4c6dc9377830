import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  defaultGates,
  type EvaluateRequest,
  evaluateRequest,
  evaluateResult,
  judgeGates,
} from "../../../src/api/index.ts";
import { evaluationReport } from "../../../src/evaluation/report/index.ts";
import { runEvaluation } from "../../../src/evaluation/run-evaluation.ts";
import {
  buildNetwork,
  type Encoder,
  embedAll,
  encoderFiles,
  initialWeights,
  startBackend,
} from "../../../src/model/index.ts";
import { seededRandom } from "../../../src/monitor/index.ts";
import {
  datasetFiles,
  encodeReferenceEmbeddings,
  type ImageDataset,
  openStore,
  parseUri,
  rowsOfPart,
  type Store,
  StoreError,
  segmentsOf,
  snapshotFiles,
  sourceId16,
  storeResult,
} from "../../../src/registry/index.ts";

const side = 4;
const random = seededRandom(5);
let root: string;
let store: Store;
let request: EvaluateRequest;

/** Small, so that a test takes a second. */
const settings = {
  attackLost: true,
  attacked: 40,
  sampled: 10,
  resamples: 1000,
  budget: { steps: 10, restarts: 1, queries: 10 },
};

/** Stripes that lie or stand, with noise; the new domain has less contrast. */
function stripes(prefix: string, count: number, shifted = false): ImageDataset {
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const inputs = Uint8Array.from({ length: count * side * side }, (_, at) => {
    const pixel = at % (side * side);
    const line = labels[Math.floor(at / (side * side))] ? pixel % side : Math.floor(pixel / side);
    const contrast = shifted ? 40 : 90;
    return Math.min(255, Math.max(0, Math.round(128 + (line % 2 ? contrast : -contrast) + 25 * random.gaussian())));
  });
  const sources = Uint8Array.from(Array.from({ length: count }, (_, i) => [...sourceId16(`${prefix}/${i}`)]).flat());
  return {
    modality: "Image",
    shape: [side, side, 1],
    count,
    domainNames: ["base", "faint"],
    source: "stripes",
    sources,
    inputs,
    labels,
  };
}

function join2(a: ImageDataset, b: ImageDataset): ImageDataset {
  return {
    ...a,
    count: a.count + b.count,
    inputs: Uint8Array.of(...a.inputs, ...b.inputs),
    sources: Uint8Array.of(...a.sources, ...b.sources),
    labels: Int32Array.of(...(a.labels ?? []), ...(b.labels ?? [])),
    domains: Uint8Array.from({ length: a.count + b.count }, (_, i) => (i < a.count ? 0 : 1)),
  };
}

async function putModel(name: string, seed: number, expects?: ImageDataset): Promise<string> {
  const network = buildNetwork({
    model_type: "evenkeel-residual-mlp",
    input_shape: [side, side, 1],
    hidden_size: 16,
    intermediate_size: 8,
    num_hidden_layers: 1,
    embedding_size: 8,
  });
  const encoder = { network, weights: initialWeights(network, seededRandom(seed)) };
  return store.putFiles(name, { ...encoderFiles(encoder), ...(expects && referenceFiles(encoder, expects)) });
}

/** The monitoring reference of a model. */
function referenceFiles(encoder: Encoder, { inputs, sources, count }: ImageDataset): Record<string, Uint8Array> {
  return encodeReferenceEmbeddings({
    count,
    dimension: encoder.network.dimension,
    embeddings: embedAll(encoder, inputs),
    sources,
    live: new Uint8Array(count).fill(1),
    squeezed: new Map(),
    squeezedBenign: new Map(),
  });
}

beforeAll(async () => {
  await startBackend({ EVENKEEL_BACKEND: "wasm" });
  root = await mkdtemp(join(tmpdir(), "evenkeel-evaluation-"));
  store = openStore(root);
  const active = await putModel("models/shop", 1);
  request = evaluateRequest.parse({
    kind: "Evaluate",
    run: "search/shop-0123456789",
    candidate: active,
    active,
    baseline: await putModel("models/shop", 3),
    dataset: {
      reference: await store.putFiles("data/reference", datasetFiles(stripes("reference", 300))),
      evaluation: await store.putFiles(
        "data/evaluation",
        datasetFiles(join2(stripes("old", 500), stripes("new", 500, true))),
      ),
    },
    evaluationData: "Labelled",
    perturbations: [
      { name: "light", family: "Photometric", kind: "Benign", strength: 0.2 },
      { name: "linf", family: "Linf", kind: "Adversarial", epsilon: 0.05 },
    ],
    targets: [{ perturbation: "linf", metric: "RobustAccuracy", atLeast: 0.05 }],
    gates: [
      ...defaultGates("Labelled", "Drift", []),
      { name: "targets", metric: "TargetsMet", test: "AtLeast", limit: 1 },
    ],
    alpha: 0.025,
    seed: 7,
  } satisfies Record<string, unknown>);
});

afterAll(() => rm(root, { recursive: true }));

const without = (changes: Partial<EvaluateRequest>): EvaluateRequest => ({ ...request, ...changes });

describe("runEvaluation", () => {
  it("measures every gate, stores the report, and answers again without work", async () => {
    // What a trainer left where it may write is not taken for an answer.
    await storeResult(store.runs, request, "evaluate.json", { kind: "Evaluate", gates: [], overlap: 7 });
    const { result, exitCode } = await runEvaluation(request, store, { settings });
    expect(exitCode).toBe(0);
    expect(result.overlap).toBe(0);
    expect(result.gates.map(({ name }) => name)).toEqual(request.gates.map(({ name }) => name));
    expect(result.gates.every(({ value, bound }) => value !== null && bound !== null)).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(2048);
    expect(evaluateResult.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);

    // The candidate is the active model itself: no worse than that, and never better.
    const verdicts = new Map(
      judgeGates(request.gates, result.gates, request.alpha).map((row) => [row.name, row.verdict]),
    );
    expect(verdicts.get("shifted-accuracy")).toBe("Fail");
    expect(verdicts.get("overlap")).toBe("Pass");

    const folder = await store.resolve(result.report ?? "");
    expect(folder).toContain("reports/shop");
    const report = evaluationReport.parse(JSON.parse(await readFile(join(folder, "report.json"), "utf8")));
    expect(report.attacks[0]?.curve.candidate[0]?.epsilon).toBe(0);
    expect(report.targets).toHaveLength(1);
    const html = await readFile(join(folder, "report.html"), "utf8");
    expect(html).toContain("Not to be promoted");
    expect(html.match(/(?:src|href)="(?!data:)/g)).toBeNull();

    const reports = await readdir(join(root, "reports/shop"));
    const again = await runEvaluation(request, store, { settings });
    expect(again).toEqual({ result, exitCode });
    expect(await readdir(join(root, "reports/shop"))).toEqual(reports);

    // Made anew under the same name.
    const other = await runEvaluation(without({ gates: [], seed: 99 }), store, { settings });
    expect(other.result.gates).toEqual([]);
    expect(other.result.report).not.toBe(result.report);
  }, 60_000);

  it("does not attack what other gates stop already, and says so", async () => {
    const { result } = await runEvaluation(without({ run: "search/lost" }), store, {
      settings: { ...settings, attackLost: false },
    });
    const rows = new Map(result.gates.map((row) => [row.name, row]));
    expect(rows.get("clean-accuracy")?.value).toBeGreaterThan(0);
    for (const name of ["robust-accuracy", "targets"]) {
      expect(rows.get(name)).toMatchObject({ value: null, note: expect.stringContaining("shifted-accuracy") });
    }
    const folder = await store.resolve(result.report ?? "");
    const report = evaluationReport.parse(JSON.parse(await readFile(join(folder, "report.json"), "utf8")));
    expect(report.attacks).toEqual([]);
  }, 60_000);

  it("gives the same facts for the same seed", async () => {
    const [metric] = request.gates.filter(({ name }) => name === "robust-accuracy");
    const gates = metric ? [metric] : [];
    const first = await runEvaluation(without({ run: "search/a", gates }), store, { settings });
    const second = await runEvaluation(without({ run: "search/b", gates }), store, { settings });
    expect(second.result.gates).toEqual(first.result.gates);
  }, 60_000);

  it("leaves out images that nearly equal one that was trained on, and says how many (decision 0023)", async () => {
    const trained = stripes("seen", 300);
    const others = stripes("fresh", 600);
    // The same pictures but for a grain, under names of their own.
    const copies = trained.inputs.map((pixel, at) => (at % 7 === 0 ? Math.min(255, pixel + 1) : pixel));
    const evaluation = { ...others, inputs: Uint8Array.of(...copies, ...others.inputs.subarray(copies.length)) };
    const gates = request.gates.filter(({ name }) => name === "clean-accuracy");
    const run = async (name: string, reference: ImageDataset) => {
      const dataset = {
        reference: await store.putFiles("data/seen", datasetFiles(reference)),
        evaluation: await store.putFiles("data/unlike", datasetFiles(evaluation)),
      };
      const { result } = await runEvaluation(without({ run: `search/${name}`, dataset, gates }), store, { settings });
      const folder = await store.resolve(result.report ?? "");
      return evaluationReport.parse(JSON.parse(await readFile(join(folder, "report.json"), "utf8"))).data;
    };
    const near = await run("near", trained);
    expect(near.nearDuplicates).toBeGreaterThan(20);
    const none = await run("apart", stripes("other", 300));
    expect(none.nearDuplicates).toBe(0);
    expect(near.gate.old + near.proof.old + near.nearDuplicates).toBe(none.gate.old + none.proof.old);
  }, 60_000);

  describe("a gain on the labelled slice", () => {
    const putTraffic = async (name: string, traffic: ImageDataset) => {
      const segments = [parseUri(await store.putFiles(segmentsOf(name), datasetFiles(traffic))).digest];
      const [from, to] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
      return await store.putFiles(name, snapshotFiles({ from, to, samples: traffic.count, segments }));
    };
    const evaluateShifted = async (run: string, change: Partial<EvaluateRequest>, by = store) => {
      const active = await putModel("models/watched", 1, stripes("expected", 300));
      const gates = request.gates.filter(({ name }) => name === "shifted-accuracy");
      const shifted = without({ run: `search/${run}`, candidate: active, active, baseline: active, gates, ...change });
      const { result } = await runEvaluation(shifted, by, { settings });
      const folder = await store.resolve(result.report ?? "");
      const report = evaluationReport.parse(JSON.parse(await readFile(join(folder, "report.json"), "utf8")));
      return { row: result.gates[0], captured: report.captured };
    };
    const shiftedRow = async (run: string, traffic: ImageDataset, quarantined = 0.2) => {
      const uri = await putTraffic(`traffic/${run}`, traffic);
      return (await evaluateShifted(run, { traffic: uri, quarantined })).row;
    };
    const { labels: _, ...faint } = stripes("live", 400, true);
    it("is measured when live traffic looks like it", async () => {
      expect((await shiftedRow("faint", faint))?.value).toBeGreaterThan(0);
    }, 60_000);
    it("is no data when another world came", async () => {
      const inputs = faint.inputs.map((pixel) => 255 - Math.floor(pixel / 4));
      const row = await shiftedRow("pale", { ...faint, inputs });
      expect(row?.value).toBeNull();
      expect(row?.note).toMatch(/^the labelled slice shows \d+% of the live shift: label what came$/);
    }, 60_000);
    it("names captured samples that look least like it by reference, in a report without them", async () => {
      await shiftedRow("named", faint);
      const [uri = ""] = (await store.list("reports/watched")).slice(-1);
      const folder = await store.resolve(uri);
      const report = evaluationReport.parse(JSON.parse(await readFile(join(folder, "report.json"), "utf8")));
      expect(report.captured).toHaveLength(12);
      expect(report.captured?.[0]?.segment).toMatch(/^store:\/\/traffic\/named\/segments@sha256:/);
      expect(await readFile(join(folder, "report.html"), "utf8")).toContain(report.captured?.[0]?.segment);
    }, 60_000);
    it("is judged by samples that enter no reference", async () => {
      const clients = Uint8Array.from(Array.from({ length: 400 }, (_, i) => [...sourceId16(`client ${i}`)]).flat());
      const keyed = { ...faint, clients };
      const admitted = new Set(rowsOfPart(keyed, "Admitted"));
      const inputs = faint.inputs.map((pixel, at) =>
        admitted.has(Math.floor(at / (side * side))) ? 255 - Math.floor(pixel / 4) : pixel,
      );
      expect((await shiftedRow("halved", { ...keyed, inputs }))?.value).toBeGreaterThan(0);
    }, 60_000);
    it("is not judged by samples that entered the candidate's reference, nor are they shown", async () => {
      const traffic = await putTraffic("traffic/entered", faint);
      const candidate = await putModel("models/entered", 1, faint);
      const { row, captured } = await evaluateShifted("entered", { candidate, traffic });
      expect(row?.note).toBe("captured traffic cannot be compared with the labelled slice");
      expect(captured).toEqual([]);
    }, 60_000);
    it("is measured when samples cannot be shown", async () => {
      const traffic = await putTraffic("traffic/unseen", faint);
      const failing = openStore(root);
      const resolve = failing.resolve.bind(failing);
      let reads = 0;
      vi.spyOn(failing, "resolve").mockImplementation(async (uri) => {
        // It is read once to judge, before it is looked into again to show samples of it.
        if (uri === traffic && ++reads > 1) throw new StoreError("Corrupt", `${uri}: a file differs`);
        return await resolve(uri);
      });
      const { row, captured } = await evaluateShifted("unseen", { traffic }, failing);
      expect(reads).toBeGreaterThan(1);
      expect(row?.value).toBeGreaterThan(0);
      expect(captured).toEqual([]);
    }, 60_000);
    it("is no data when more than a fifth of the traffic was set aside, of which nothing is shown", async () => {
      const traffic = await putTraffic("traffic/attacked", faint);
      const { row, captured } = await evaluateShifted("attacked", { traffic, quarantined: 0.21 });
      expect(row?.value).toBeNull();
      expect(row?.note).toBe("too much of the captured traffic was set aside to tell what came");
      expect(captured).toEqual([]);
    }, 60_000);
    it("is no data when the traffic is past its TTL, and the run is not lost for it", async () => {
      const gates = request.gates.filter(({ name }) => name === "shifted-accuracy");
      const traffic = `store://traffic/gone@sha256:${"0".repeat(64)}`;
      const { result, exitCode } = await runEvaluation(without({ run: "search/gone", traffic, gates }), store, {
        settings,
      });
      expect(exitCode).toBe(0);
      expect(result.gates[0]).toMatchObject({ value: null, note: expect.stringContaining("set aside") });
    }, 60_000);
    it("is no data when traffic cannot be compared", async () => {
      const row = await shiftedRow("few", {
        ...faint,
        count: 2,
        inputs: faint.inputs.slice(0, 2 * side * side),
        sources: faint.sources.slice(0, 32),
      });
      expect(row?.note).toBe("captured traffic cannot be compared with the labelled slice");
    }, 60_000);
  });

  it("without labels shows no gain: gates that need them have no value", async () => {
    const gates = [...defaultGates("None", "Drift", []), ...defaultGates("Labelled", "Drift", []).slice(0, 1)];
    const { result } = await runEvaluation(without({ run: "search/none", evaluationData: "None", gates }), store, {
      settings,
    });
    const values = new Map(result.gates.map((row) => [row.name, row]));
    expect(values.get("clean-accuracy")).toMatchObject({
      value: null,
      n: 0,
      note: "needs evaluation data: Labelled or Pairs",
    });
    expect(values.get("overlap")?.value).toBe(1);
    expect(values.get("no-collapse")?.value).toBeGreaterThan(0);
  }, 60_000);

  it.each<[string, () => Promise<Partial<EvaluateRequest>>, number, string]>([
    [
      "an evaluation set that shares sources with the reference",
      async () => ({
        dataset: {
          ...request.dataset,
          evaluation: await store.putFiles("data/leaked", datasetFiles(stripes("reference", 200))),
        },
      }),
      10,
      "Leaked",
    ],
    [
      "one class",
      async () => ({
        dataset: {
          ...request.dataset,
          evaluation: await store.putFiles(
            "data/one",
            datasetFiles({ ...stripes("one", 50), labels: new Int32Array(50).fill(3) }),
          ),
        },
      }),
      10,
      "OneClass",
    ],
    [
      "a malformed dataset",
      async () => ({
        dataset: {
          ...request.dataset,
          evaluation: await store.putFiles("data/bad", { "dataset.json": Buffer.from("{") }),
        },
      }),
      10,
      "Malformed",
    ],
    [
      "a bundle without weights",
      async () => ({ candidate: await store.putFiles("models/empty", { "config.json": Buffer.from("{}") }) }),
      11,
      "BadModel",
    ],
    [
      "an active model that only its server can load",
      async () => ({ active: await store.putFiles("models/foreign", { "config.json": Buffer.from("{}") }) }),
      11,
      "ModelNotTrainable",
    ],
    [
      "a bundle of which a byte has changed",
      async () => {
        const candidate = await store.putFiles("models/flipped", { "config.json": Buffer.from("{}") });
        await writeFile(join(await store.resolve(candidate), "config.json"), "[]");
        return { candidate };
      },
      10,
      "Corrupt",
    ],
    [
      "a bundle that is not there",
      async () => ({ candidate: `store://models/gone@sha256:${"0".repeat(64)}` }),
      10,
      "NotFound",
    ],
  ])("%s ends the run for good", async (what, change, exitCode, reason) => {
    const outcome = await runEvaluation(
      without({ run: `search/${what.replaceAll(" ", "-")}`, ...(await change()) }),
      store,
    );
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.result.error?.reason).toBe(reason);
    expect(outcome.result.error?.message).not.toBe("");
    expect(outcome.result.gates).toEqual([]);
  });
});
