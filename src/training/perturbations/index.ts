import type { Perturbation } from "../../api/index.ts";
import type { Random } from "../../monitor/index.ts";
import { type AdversarialFamily, type BenignFamily, type InputSpace, UnfitPerturbation } from "./family.ts";
import { geometric } from "./geometric.ts";
import { l2 } from "./l2.ts";
import { linf } from "./linf.ts";
import { photometric } from "./photometric.ts";
import { pixelNoise } from "./pixel-noise.ts";
import { stroke } from "./stroke.ts";
import { vectorBox } from "./vector-box.ts";

export { type AdversarialFamily, type BenignFamily, type InputSpace, UnfitPerturbation } from "./family.ts";

/** What families are for that are not for both. */
const madeFor: Readonly<Partial<Record<Perturbation["family"], InputSpace["modality"]>>> = {
  Geometric: "Image",
  Stroke: "Image",
  Photometric: "Image",
  PixelNoise: "Image",
  VectorBox: "Vector",
};

function requireFit({ name, family }: Perturbation, { modality }: InputSpace): void {
  const wanted = madeFor[family] ?? modality;
  if (wanted === modality) return;
  throw new UnfitPerturbation(`perturbation ${name}: ${family} is for ${wanted}, the dataset holds ${modality}`);
}

/**
 * The benign families of a threat model, in its order.
 *
 * @throws {UnfitPerturbation} for one that is for other data
 */
export function benignFamilies(perturbations: readonly Perturbation[], space: InputSpace): BenignFamily[] {
  return perturbations.flatMap((perturbation) => {
    if (perturbation.kind !== "Benign") return [];
    requireFit(perturbation, space);
    switch (perturbation.family) {
      case "Geometric":
        return geometric.build(geometric.schema.parse(perturbation), space);
      case "Stroke":
        return stroke.build(stroke.schema.parse(perturbation), space);
      case "Photometric":
        return photometric.build(photometric.schema.parse(perturbation), space);
      case "PixelNoise":
        return pixelNoise.build(pixelNoise.schema.parse(perturbation));
      case "VectorBox":
        return vectorBox.buildBenign(vectorBox.schema.parse(perturbation), space);
      case "Linf":
      case "L2":
        throw new RangeError(`perturbation ${perturbation.name}: ${perturbation.family} is never benign`);
      default:
        return perturbation.family satisfies never;
    }
  });
}

/**
 * The adversarial families of a threat model, in its order.
 *
 * @throws {UnfitPerturbation} for one that is for other data
 */
export function adversarialFamilies(perturbations: readonly Perturbation[], space: InputSpace): AdversarialFamily[] {
  return perturbations.flatMap((perturbation) => {
    if (perturbation.kind !== "Adversarial") return [];
    requireFit(perturbation, space);
    switch (perturbation.family) {
      case "Linf":
        return linf.build(linf.schema.parse(perturbation), space);
      case "L2":
        return l2.build(l2.schema.parse(perturbation), space);
      case "VectorBox":
        return vectorBox.buildAdversarial(vectorBox.schema.parse(perturbation), space);
      case "Geometric":
      case "Stroke":
      case "Photometric":
      case "PixelNoise":
        throw new RangeError(`perturbation ${perturbation.name}: ${perturbation.family} is never adversarial`);
      default:
        return perturbation.family satisfies never;
    }
  });
}

/** How often each benign family takes part in a composed view. */
const composed = 0.8;

/**
 * A batch as the world might send it: each input goes through the benign families one after the other, each with
 * probability 0.8, because real shifts come together.
 *
 * @param inputs  [n × size], images scaled to [0, 1]
 */
export function composeBenign(
  families: readonly BenignFamily[],
  inputs: Float32Array,
  size: number,
  strength: number,
  random: Random,
): Float32Array {
  const result = new Float32Array(inputs.length);
  for (let from = 0; from < inputs.length; from += size) {
    let input = inputs.subarray(from, from + size);
    for (const family of families) if (random.uniform() < composed) input = family(input, strength, random);
    result.set(input, from);
  }
  return result;
}
