import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exitCodes } from "../../src/api/index.ts";
import { seededRandom } from "../../src/monitor/index.ts";
import { datasetFiles, openStore, parseUri, sourceId16 } from "../../src/registry/index.ts";
import { trainFirstModel } from "../../src/training/index.ts";
import { bestIsolation } from "../harness/node/sandbox.ts";
import { temporaryFolder } from "../harness/temporary-folder.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
const isolation = await bestIsolation();

/** A file system of its own with 16 KiB left: less than a bundle or a report takes, more than nothing. */
const script = `
set -eu
mount -t tmpfs -o size=32m full "$STORE"
cp -r "$SEED/." "$STORE"
files() { (cd "$STORE" && find . -type f ! -name filler | sort) > "$1"; }
files "$OUT/before"
left=$(df --output=avail -k "$STORE" | tail -1)
head -c "$(( (left - 16) * 1024 ))" /dev/zero > "$STORE/filler"
work() { "$NODE" "$MAIN" "$KIND" --run "$OUT/request.json" --store "$STORE" && echo 0 > "$OUT/$1" || echo $? > "$OUT/$1"; }
EVENKEEL_RESULT_FILE="$OUT/full.json" work full
files "$OUT/after"
rm "$STORE/filler"
EVENKEEL_RESULT_FILE="$OUT/freed.json" work freed
`;

let dir: string;
let seed: string;
let requests: Readonly<Record<"train" | "evaluate", object>>;

beforeAll(async () => {
  dir = await temporaryFolder("full");
  seed = join(dir, "seed");
  const store = openStore(seed);
  const random = seededRandom(3);
  const count = 1200;
  const labels = Int32Array.from({ length: count }, (_, row) => row % 2);
  const reference = await store.putFiles(
    "data/stripes",
    datasetFiles({
      modality: "Image",
      shape: [8, 8, 1],
      count,
      domainNames: ["base"],
      source: "stripes",
      sources: new Uint8Array(Buffer.concat(Array.from(labels, (_, row) => sourceId16(`stripes ${row}`)))),
      labels,
      inputs: Uint8Array.from({ length: count * 64 }, (_, at) => {
        const line = labels[Math.floor(at / 64)] === 1 ? at % 8 : Math.floor((at % 64) / 8);
        return Math.min(255, Math.max(0, Math.round(128 + (line % 2 === 1 ? 60 : -60) + 25 * random.gaussian())));
      }),
    }),
  );
  const model = await trainFirstModel(store, { name: "models/stripes", dataset: reference, steps: 3 });
  const common = { dataset: { reference }, perturbations: [], seed: 1 };
  requests = {
    train: {
      ...common,
      kind: "Train",
      run: "ns/train",
      parent: { digest: parseUri(model).digest, uri: model },
      causeClass: "Manual",
      trainer: { preset: "Adapt", maxSteps: 1 },
    },
    evaluate: {
      ...common,
      kind: "Evaluate",
      run: "ns/evaluate",
      candidate: model,
      active: model,
      baseline: model,
      evaluationData: "Labelled",
      targets: [],
      gates: [{ name: "clean", metric: "CleanAccuracy", test: "NonInferiority" }],
      alpha: 0.025,
    },
  };
});

afterAll(() => rm(dir, { recursive: true }));

describe("a store that is full", () => {
  it.for(["train", "evaluate"] as const)(
    "ends %s so that it may be tried again, and has no half of what it made",
    async (kind, { skip }) => {
      skip(isolation.kind === "Environment", "mount namespaces: this machine allows none");
      const out = join(dir, kind);
      const mountPoint = join(out, "store");
      await mkdir(mountPoint, { recursive: true });
      await writeFile(join(out, "request.json"), JSON.stringify(requests[kind]));
      const flags = isolation.kind === "Namespaces" ? isolation.flags.filter((flag) => flag !== "--pid") : [];
      await promisify(execFile)("unshare", [...flags, "--", "sh", "-c", script], {
        env: {
          ...process.env,
          STORE: mountPoint,
          SEED: seed,
          OUT: out,
          NODE: process.execPath,
          MAIN: main,
          KIND: kind,
        },
      });
      const read = (file: string) => readFile(join(out, file), "utf8");

      expect(Number(await read("full"))).toBe(exitCodes.failed);
      expect(JSON.parse(await read("full.json"))).toMatchObject({
        error: { message: expect.stringMatching(/^writing .*: no space is left on the store's volume$/) },
      });
      expect(await read("after")).toBe(await read("before"));

      expect(Number(await read("freed"))).toBe(exitCodes.done);
      expect(JSON.parse(await read("freed.json"))).not.toHaveProperty("error");
    },
  );
});
