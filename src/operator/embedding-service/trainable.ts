import type { EmbeddingService, ModelRef, Retraining } from "../../api/index.ts";
import { isInStore } from "../identity.ts";

/**
 * Why no run can be made of the active model: evenkeel's images load models from the store alone, and of those only its own
 * architectures, which the run that tried has found out.
 *
 * @returns null when one can
 */
export function notTrainable(
  { metadata, spec: { retraining } }: Pick<EmbeddingService, "metadata" | "spec">,
  active: ModelRef,
  runs: readonly Retraining[],
): string | null {
  if (!retraining) return null;
  const { image, evaluation } = retraining.trainer;
  if (!isInStore(active.uri) && evaluation !== "Image") {
    const missing =
      image === undefined
        ? "it needs a retraining.trainer.image of your own, and evaluation: Image"
        : "retraining.trainer.evaluation must be Image, because evenkeel's own evaluation cannot load it";
    return `${active.uri} is not in the store: it is watched; to be trained ${missing}`;
  }
  const tried = runs.find(
    ({ spec: { parent, trainer }, status: { phase, reason } }) =>
      phase === "Failed" &&
      reason === "ModelNotTrainable" &&
      parent.digest === active.digest &&
      trainer.image === image &&
      trainer.evaluation === evaluation,
  );
  if (!tried) return null;
  return (
    `Retraining ${tried.metadata.name} could not load it: ${tried.status.message}; set retraining.trainer to an image that ` +
    `can; to try the same one again delete that run, then use \`evenkeel retrain ${metadata.name}\``
  );
}
