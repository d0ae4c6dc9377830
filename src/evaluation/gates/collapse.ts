import { ofEach } from "../context.ts";
import { effectiveRank } from "../diagnostics/effective-rank.ts";
import { jackknifeGroup, jackknifeGroups, jackknifeTest } from "../statistics/jackknife.ts";
import type { Facts, Metric } from "./measurement.ts";

/** Effective rank as a share of the dimension. A collapsed model gives like vectors to unlike inputs. */
export const effectiveRankShare: Metric = {
  name: "EffectiveRank",
  needs: ["Labelled", "Pairs", "None"],
  build: ({ set, models }) => {
    const { sources } = set.gate.old;
    const groups = jackknifeGroup(sources);
    const n = new Set(sources).size;
    const ranks = ofEach(models, ({ old, dimension }) => {
      const share = (left?: number): number => effectiveRank(old, dimension, (row) => groups[row] !== left) / dimension;
      return { whole: share(), without: Array.from({ length: jackknifeGroups }, (_, group) => share(group)) };
    });
    const against = (other: typeof ranks.active, threshold: number, alpha: number): Facts => ({
      ...jackknifeTest(
        ranks.candidate.whole - other.whole,
        ranks.candidate.without.map((value, i) => value - (other.without[i] ?? 0)),
        threshold,
        alpha,
      ),
      n,
      needed: models.candidate.dimension,
    });
    return {
      kind: "Statistic",
      value: ranks.candidate.whole,
      test: (test, margin, alpha) => {
        const note = `active ${ranks.active.whole.toFixed(3)}, baseline ${ranks.baseline.whole.toFixed(3)}`;
        switch (test) {
          case "NonInferiority": {
            const [first, second] = [ranks.active, ranks.baseline].map((other) => against(other, -margin, alpha));
            if (!first || !second) return null;
            return { ...((first.p ?? 1) >= (second.p ?? 1) ? first : second), note };
          }
          case "Superiority":
            return { ...against(ranks.active, 0, alpha), note };
          case "AtLeast":
            return { ...against({ whole: 0, without: [] }, 0, alpha), p: null, note };
          case "AtMost":
            return null;
          default:
            return test satisfies never;
        }
      },
    };
  },
};
