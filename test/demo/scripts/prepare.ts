/** Makes the demo's store: two datasets and the first model. Prints where they are. */

import { z } from "zod";
import { perturbation, type StoreUri } from "../../../src/api/index.ts";
import { startBackend } from "../../../src/model/index.ts";
import { datasetFiles, openStore } from "../../../src/registry/index.ts";
import { trainFirstModel } from "../../../src/training/index.ts";
import { dataset, twoDomains } from "../datasets.ts";
import { mnist, take } from "../mnist.ts";
import { seeded } from "../random.ts";
import { crookedScanner, shifted } from "../shift.ts";

const request = z
  .object({ folder: z.string(), families: z.array(perturbation) })
  .parse(JSON.parse(process.argv[2] ?? ""));
const backend = await startBackend();
const store = openStore(request.folder);
const images = await mnist();
const reference = await store.putFiles("data/digits", datasetFiles(dataset(images.reference)));
// Three of five images of the evaluation set are of the old domain, the others are labelled images of the new one.
const rows = images.evaluation.sources.map((_, i) => i);
const old = take(
  images.evaluation,
  rows.filter((row) => row % 5 < 3),
);
const fresh = take(
  images.evaluation,
  rows.filter((row) => row % 5 >= 3),
);
const labelled = twoDomains(old, shifted(fresh, crookedScanner, seeded(7)));
const evaluation = await store.putFiles("data/digits-evaluation", datasetFiles(labelled));
const initial: StoreUri = await trainFirstModel(store, {
  name: "models/digits",
  dataset: reference,
  calibratedOn: request.families.filter(({ kind }) => kind === "Benign"),
  steps: backend.name === "native" || backend.name === "gpu" ? 1500 : 500,
});
console.log(JSON.stringify({ reference, evaluation, initial, backend: backend.name }));
