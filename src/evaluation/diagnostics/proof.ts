import { embedFlat } from "../attacks/index.ts";
import { ofEach } from "../context.ts";
import type { EvaluationSet, Part } from "../evaluation-set.ts";
import { average } from "../gates/index.ts";
import { answers, type Model, type Models, neighbourhood, servedIndex } from "../model.ts";
import { cappedRecall, nearest } from "../neighbours.ts";
import type { EvaluationReport } from "../report/schema.ts";

/** Quality on queries that no decision depends on. */
export function proofOf(set: EvaluationSet, models: Models): EvaluationReport["proof"] {
  const none = { candidate: null, active: null, baseline: null };
  if (set.kind === "None") return { clean: none, shifted: none, oldIndexRecall: none };
  const accuracy = (part: Part) =>
    part.count === 0
      ? none
      : ofEach(models, (model) =>
          average(answers(embedFlat(model, part.inputs), part.labels, servedIndex(model, models), set)),
        );
  const { old } = set.proof;
  const recall = (model: Model): number => {
    const neighbours = nearest(embedFlat(model, old.inputs), servedIndex(model, models), neighbourhood);
    return average(cappedRecall(neighbours, old.labels, set.documents.labels));
  };
  return {
    clean: accuracy(old),
    shifted: accuracy(set.proof.shifted),
    oldIndexRecall: old.count === 0 ? none : ofEach(models, recall),
  };
}
