import { embedFlat } from "../attacks/index.ts";
import { ofEach } from "../context.ts";
import type { Model } from "../model.ts";
import { type Metric, missing } from "./measurement.ts";

/** Cosine of an input's embedding and of that of benign views of it, mean over draws, at least 0. */
export const consistency: Metric = {
  name: "Consistency",
  needs: ["Labelled", "Pairs", "None"],
  build: ({ set, models, views }) => {
    if (views.length === 0) return missing("the threat model has no benign family");
    const measure = (model: Model): Float64Array => {
      const seen = views.map((view) => cosines(model.old, embedFlat(model, view), model.dimension));
      return Float64Array.from({ length: set.gate.old.count }, (_, i) =>
        seen.reduce((sum, cosine) => sum + (cosine[i] ?? 0) / seen.length, 0),
      );
    };
    return { kind: "Scores", ...ofEach(models, measure), sources: set.gate.old.sources };
  },
};

/** Row by row, in [0, 1]; 0 for vectors that are not finite. */
export function cosines(a: Float32Array, b: Float32Array, d: number): Float64Array {
  return Float64Array.from({ length: a.length / d }, (_, i) => {
    let cosine = 0;
    for (let k = 0; k < d; k++) cosine += (a[i * d + k] ?? 0) * (b[i * d + k] ?? 0);
    return cosine > 0 ? Math.min(1, cosine) : 0;
  });
}
