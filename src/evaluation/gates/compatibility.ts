import type { Context } from "../context.ts";
import { type Model, neighbourhood } from "../model.ts";
import { cappedRecall, type Index, nearest, overlap } from "../neighbours.ts";
import { type Measurement, type Metric, missing } from "./measurement.ts";

type Role = "candidate" | "active";

/** Recall of new queries on old documents: right after a promotion. */
export const oldIndexRecall: Metric = {
  name: "OldIndexRecall",
  needs: ["Labelled", "Pairs"],
  build: (context) => crossRecall(context, "candidate", ({ active }) => active.documents),
};

/** Recall of old queries on new documents: while some clients still query with the old model. */
export const newDocumentRecall: Metric = {
  name: "NewDocumentRecall",
  needs: ["Labelled", "Pairs"],
  build: (context) => crossRecall(context, "active", ({ candidate }) => candidate.documents),
};

/** Recall of new queries on an index of which every other document was embedded anew. */
export const mixedIndexRecall: Metric = {
  name: "MixedIndexRecall",
  needs: ["Labelled", "Pairs"],
  build: (context) =>
    crossRecall(context, "candidate", ({ active, candidate }) => mixed(active.documents, candidate.documents)),
};

/** Neighbours that new and old queries share on the old index. Needs no labels. */
export const oldIndexOverlap: Metric = {
  name: "OldIndexOverlap",
  needs: ["Labelled", "Pairs", "None"],
  build: ({ set, models: { candidate, active } }) => {
    if (candidate.dimension !== active.dimension) return otherDimension(candidate, active);
    const [fresh, old] = [candidate, active].map((model) => nearest(model.old, active.documents, neighbourhood));
    const shared = fresh && old ? overlap(old, fresh) : new Float64Array();
    const whole = shared.map(() => 1);
    return { kind: "Scores", candidate: shared, active: whole, baseline: whole, sources: set.gate.old.sources };
  },
};

/** The comparison is with the model's own queries on its own documents, as users have it today. */
function crossRecall(
  { set, models }: Context,
  queries: Role,
  index: (models: Context["models"]) => Index,
): Measurement {
  const { candidate, active, baseline } = models;
  if (candidate.dimension !== active.dimension) return otherDimension(candidate, active);
  const recall = (vectors: Float32Array, on: Index): Float64Array =>
    cappedRecall(nearest(vectors, on, neighbourhood), set.gate.old.labels, set.documents.labels);
  const today = recall(active.old, active.documents);
  return {
    kind: "Scores",
    candidate: recall(models[queries].old, index(models)),
    active: today,
    baseline: baseline === active ? today : recall(baseline.old, baseline.documents),
    sources: set.gate.old.sources,
  };
}

function mixed(old: Index, fresh: Index): Index {
  const { dimension } = old;
  return {
    dimension,
    vectors: old.vectors.map((value, i) => (Math.floor(i / dimension) % 2 === 0 ? value : (fresh.vectors[i] ?? 0))),
  };
}

function otherDimension(candidate: Model, active: Model): Measurement {
  return missing(`vectors of ${candidate.dimension} and ${active.dimension} numbers share no index`);
}
