import { type StoreUri, storeUri, type TrainRequest } from "../api/index.ts";
import { type Encoder, embedAll } from "../model/index.ts";
import { type Matrix, meanShift, selectRows } from "../monitor/index.ts";
import { type Dataset, readReference, rowsOfBaseline, type Store, StoreError } from "../registry/index.ts";

/**
 * How far admitted samples lie from the first version's reference, where `ShiftFromBaseline` sees it: in the deployed
 * model's space, by the inputs that the first version was approved on (docs/decisions/0007).
 *
 * @returns in standard deviations of a vector; null when it is not known
 */
export async function baselineShift(
  { firstVersion, parent: deployed }: Pick<TrainRequest, "firstVersion" | "parent">,
  store: Store,
  parent: Encoder,
  samples: Dataset,
  say: (line: string) => void,
): Promise<number | null> {
  if (samples.count === 0) return null;
  const first = storeUri.safeParse(firstVersion).data;
  const shift = first === undefined ? null : await measured(first, deployed.uri, store, parent, samples);
  say(
    shift === null
      ? "traffic: its shift from the first version's reference is not known"
      : `traffic: ${shift.toFixed(2)} standard deviations from the first version's reference`,
  );
  return shift;
}

async function measured(
  first: StoreUri,
  deployed: StoreUri,
  store: Store,
  parent: Encoder,
  samples: Dataset,
): Promise<number | null> {
  const embedded = await readReference(await store.resolve(deployed));
  const baseline = first === deployed ? embedded : await referenceOf(store, first);
  if (!embedded || !baseline) return null;
  const { dimension: columns } = parent.network;
  const matrix = (data: Float32Array): Matrix => ({ rows: data.length / columns, columns, data });
  return meanShift(
    matrix(embedAll(parent, samples.inputs)),
    selectRows(matrix(embedded.embeddings), rowsOfBaseline(embedded, baseline)),
  );
}

/** null when the version is no longer kept, or brings none. */
async function referenceOf(store: Store, uri: StoreUri): Promise<Awaited<ReturnType<typeof readReference>>> {
  try {
    return await readReference(await store.resolve(uri));
  } catch (error) {
    if (error instanceof StoreError && error.reason === "NotFound") return null;
    throw error;
  }
}
