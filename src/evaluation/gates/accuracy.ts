import { ofEach } from "../context.ts";
import { isExplained } from "../diagnostics/explained-shift.ts";
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

/** The same on the new domain. A gain there proves nothing when what came is another one than the labelled slice shows. */
export const shiftedAccuracy: Metric = {
  name: "ShiftedAccuracy",
  needs: ["Labelled", "Pairs"],
  build: ({ set, models, shift }) => {
    const { shifted } = set.gate;
    if (shifted.count === 0) return missing("the evaluation set has no rows of a new domain");
    if (shift === "Unknown") return missing("captured traffic cannot be compared with the labelled slice");
    if (shift === "Quarantined") return missing("too much of the captured traffic was set aside to tell what came");
    if (shift !== "NoTraffic" && !isExplained(shift)) {
      return missing(
        `the labelled slice shows ${Math.round(100 * shift.explained)}% of the live shift: label what came`,
      );
    }
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
  attacks: true,
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
