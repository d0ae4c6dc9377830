import { ofEach } from "../context.ts";
import { answers, servedIndex } from "../model.ts";
import { type Metric, missing } from "./measurement.ts";

/** Accuracy on the old domain, each model answering from the index that it serves from. */
export const cleanAccuracy: Metric = {
  name: "CleanAccuracy",
  needs: ["Labelled", "Pairs"],
  build: ({ set, models }) => ({
    kind: "Scores",
    ...ofEach(models, (model) => answers(model.old, set.gate.old.labels, servedIndex(model, models), set)),
    sources: set.gate.old.sources,
  }),
};

/** The same on the new domain. */
export const shiftedAccuracy: Metric = {
  name: "ShiftedAccuracy",
  needs: ["Labelled", "Pairs"],
  build: ({ set, models }) => {
    const { shifted } = set.gate;
    if (shifted.count === 0) return missing("the evaluation set has no rows of a new domain");
    return {
      kind: "Scores",
      ...ofEach(models, (model) => answers(model.shifted, shifted.labels, servedIndex(model, models), set)),
      sources: shifted.sources,
    };
  },
};

/** Accuracy in each input's worst case over all adversarial families, under attacks crafted against each model itself. */
export const robustAccuracy: Metric = {
  name: "RobustAccuracy",
  needs: ["Labelled", "Pairs"],
  build: ({ robustness, attacked }) => {
    if (robustness.length === 0) return missing("the threat model has no adversarial family");
    const worst = (role: "candidate" | "active" | "baseline"): Float64Array =>
      Float64Array.from({ length: attacked.count }, (_, i) =>
        Math.min(...robustness.map((family) => family[role].right[i] ?? 0)),
      );
    return {
      kind: "Scores",
      candidate: worst("candidate"),
      active: worst("active"),
      baseline: worst("baseline"),
      sources: attacked.sources,
    };
  },
};
