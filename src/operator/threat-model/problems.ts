import type { Perturbation, ThreatModelSpec } from "../../api/index.ts";

type Family = Perturbation["family"];
type Budget = "epsilon" | "degrees" | "shear" | "scale" | "shift" | "strength";

/** What a family's budget is made of: at least one of them is set, and no other. */
const budgets: Readonly<Record<Family, readonly Budget[]>> = {
  PixelNoise: ["epsilon"],
  Geometric: ["degrees", "shear", "scale", "shift"],
  Stroke: ["strength"],
  Photometric: ["strength"],
  Linf: ["epsilon"],
  L2: ["epsilon"],
  VectorBox: ["epsilon"],
};

const families: Readonly<Record<ThreatModelSpec["modality"], readonly Family[]>> = {
  Image: ["PixelNoise", "Geometric", "Stroke", "Photometric", "Linf", "L2"],
  Vector: ["Linf", "L2", "VectorBox"],
};

/** Families that are not simply benign: what an attacker may do, or either. */
const kinds: Readonly<Partial<Record<Family, readonly Perturbation["kind"][]>>> = {
  Linf: ["Adversarial"],
  L2: ["Adversarial"],
  VectorBox: ["Adversarial", "Benign"],
};
/** On inputs scaled to [0, 1]. */
const unitBudget: ReadonlySet<Family> = new Set<Family>(["Linf", "PixelNoise"]);

/** What is wrong with a threat model, each with its field, what it is and what is allowed. The CRD refuses most of it. */
export function problemsOf({ modality, perturbations, targets }: ThreatModelSpec): string[] {
  return [
    ...perturbations.flatMap((each, index) => ofPerturbation(each, `spec.perturbations[${index}]`, modality)),
    ...duplicates(perturbations.map(({ name }) => name)).map((name) => `spec.perturbations: ${name} is there twice`),
    ...targets
      .filter(({ perturbation }) => !perturbations.some(({ name }) => name === perturbation))
      .map(({ perturbation }) => `spec.targets: ${perturbation} is none of the perturbations`),
  ];
}

function ofPerturbation(perturbation: Perturbation, path: string, modality: ThreatModelSpec["modality"]): string[] {
  const { family, kind, epsilon } = perturbation;
  const own = budgets[family];
  const all: readonly Budget[] = ["epsilon", "degrees", "shear", "scale", "shift", "strength"];
  const foreign = all.filter((name) => perturbation[name] !== undefined && !own.includes(name));
  const allowed = kinds[family] ?? ["Benign"];
  return [
    ...(families[modality].includes(family)
      ? []
      : [`${path}.family: ${family} is not for ${modality}: ${families[modality].join(", ")}`]),
    ...(allowed.includes(kind) ? [] : [`${path}.kind: ${kind} is not for ${family}: ${allowed.join(" or ")}`]),
    ...(own.some((name) => (perturbation[name] ?? 0) > 0)
      ? []
      : [`${path}: ${family} needs ${own.join(" or ")} above 0`]),
    ...foreign.map((name) => `${path}.${name}: ${family} has no ${name}`),
    ...(unitBudget.has(family) && (epsilon ?? 0) > 1
      ? [`${path}.epsilon: ${epsilon} is outside (0, 1] for family ${family} on inputs scaled to [0, 1]`]
      : []),
    ...(perturbation.immutable !== undefined && family !== "VectorBox"
      ? [`${path}.immutable: only VectorBox has immutable coordinates`]
      : []),
  ];
}

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
