import type { EmbeddingServiceSpec } from "../api/index.ts";

/** Managers that change a Deployment by hand: there is no manifest of theirs to leave the value out of. */
const byHand = /^kubectl-(?!client-side-apply$)/;

/** Who owns the workload's field, and what frees it: it is taken by force from nobody (decision 24). */
export function ownersText(
  { workloadRef, model }: Pick<EmbeddingServiceSpec, "workloadRef" | "model">,
  managers: readonly string[],
): string {
  const hands = managers.filter((manager) => byHand.test(manager));
  const manifests = managers.filter((manager) => !byHand.test(manager));
  const ways = [
    // Before the other: what a manifest still says comes back with its next apply.
    ...(manifests.length > 0
      ? [`leave the value of ${model.env} out of the manifest that ${manifests.join(", ")} applies, and apply it`]
      : []),
    ...(hands.length > 0
      ? [`run \`kubectl set env deployment/${workloadRef.name} -c ${model.container} ${model.env}-\``]
      : []),
  ];
  return `${model.env} of the workload is owned by ${managers.join(", ")}: to free it, ${ways.join(", then ")}`;
}
