import { z } from "zod";
import { conditions, objectMeta } from "./object.ts";
import { asSet, keyedBy, rules } from "./rules.ts";
import { digest, entryName, group, instant, version } from "./values.ts";

/** A family of changes to an input, and how far it may go. */
export const perturbation = z
  .object({
    name: entryName.describe("A name for the family, used in reports."),
    family: z
      .enum(["PixelNoise", "Geometric", "Stroke", "Photometric", "Linf", "L2", "VectorBox"])
      .describe(
        "What kind of change: benign PixelNoise, Geometric (tilt, shear, scale, shift), Stroke (thin or thick strokes), " +
          "Photometric (brightness, contrast, blur); adversarial Linf and L2 balls on inputs scaled to [0, 1], VectorBox in " +
          "units of each coordinate's standard deviation.",
      ),
    kind: z.enum(["Benign", "Adversarial"]).describe("Whether the change happens by itself or is crafted."),
    epsilon: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe("Budget of Linf, L2, VectorBox and PixelNoise; Linf and PixelNoise must be at most 1."),
    degrees: z.number().min(0).max(180).optional().describe("Geometric: largest tilt to either side."),
    shear: z.number().min(0).max(1).optional().describe("Geometric: largest shear."),
    scale: z.number().min(0).max(0.9).optional().describe("Geometric: largest relative change of size."),
    shift: z.number().min(0).max(0.5).optional().describe("Geometric: largest shift as a share of the side."),
    strength: z.number().min(0).max(1).optional().describe("Stroke, Photometric: largest strength, 0 to 1."),
    immutable: z
      .array(z.int().min(0).max(65_535).describe("A coordinate's index."))
      .max(4096)
      .meta(asSet)
      .optional()
      .describe("VectorBox: coordinates that cannot be changed."),
  })
  .describe("A family of perturbations with its budget.")
  .meta(
    rules(
      {
        rule: "!(self.family in ['Linf', 'L2', 'VectorBox', 'PixelNoise']) || (has(self.epsilon) && self.epsilon > 0.0)",
        message: "epsilon must be above 0 for the families Linf, L2, VectorBox and PixelNoise",
        fieldPath: ".epsilon",
      },
      {
        rule: "!(self.family in ['Linf', 'PixelNoise']) || !has(self.epsilon) || self.epsilon <= 1.0",
        message: "epsilon must be at most 1 for the families Linf and PixelNoise: inputs are scaled to [0, 1]",
        fieldPath: ".epsilon",
      },
      {
        rule: "self.family in ['Linf', 'L2', 'VectorBox', 'PixelNoise'] || !has(self.epsilon)",
        message: "epsilon is only for the families Linf, L2, VectorBox and PixelNoise",
        fieldPath: ".epsilon",
        reason: "FieldValueForbidden",
      },
      {
        rule:
          "self.family == 'Geometric' ? (has(self.degrees) || has(self.shear) || has(self.scale) || has(self.shift)) : " +
          "!(has(self.degrees) || has(self.shear) || has(self.scale) || has(self.shift))",
        message: "degrees, shear, scale and shift are for the family Geometric, which needs at least one of them",
        fieldPath: ".family",
      },
      {
        rule: "self.family in ['Stroke', 'Photometric'] == has(self.strength)",
        message: "strength is needed by the families Stroke and Photometric, and only for them",
        fieldPath: ".strength",
      },
      {
        rule: "!has(self.immutable) || self.family == 'VectorBox'",
        message: "immutable is only for the family VectorBox",
        fieldPath: ".immutable",
        reason: "FieldValueForbidden",
      },
      {
        rule: "self.kind == 'Adversarial' ? self.family in ['Linf', 'L2', 'VectorBox'] : !(self.family in ['Linf', 'L2'])",
        message:
          "kind must be Adversarial for the families Linf and L2, either for VectorBox, and Benign for all others",
        fieldPath: ".kind",
      },
    ),
  );
export type Perturbation = z.infer<typeof perturbation>;

/** A measurable resilience target. */
export const target = z
  .object({
    perturbation: entryName.describe("The perturbation family it is about."),
    metric: z.enum(["RobustAccuracy", "Consistency"]).describe("What is measured under the family."),
    atLeast: z.number().min(0).max(1).describe("The level to reach."),
  })
  .describe("A resilience target: a level of a metric under one perturbation family.");
export type Target = z.infer<typeof target>;

export const threatModelSpec = z
  .object({
    modality: z.enum(["Image", "Vector"]).describe("What inputs are."),
    perturbations: z
      .array(perturbation)
      .min(1)
      .max(16)
      .meta(keyedBy("name"))
      .describe("The families of changes that the model must withstand."),
    targets: z
      .array(target)
      .max(16)
      .meta(keyedBy("perturbation", "metric"))
      .default([])
      .describe("Resilience targets, checked by the TargetsMet gate."),
  })
  .describe("What the model must withstand, and how well.")
  .meta(
    rules(
      {
        rule: "self.targets.all(t, self.perturbations.exists(p, p.name == t.perturbation))",
        message: "targets[].perturbation must be the name of one of perturbations",
        fieldPath: ".targets",
      },
      {
        rule:
          "self.perturbations.all(p, p.family in (self.modality == 'Image' ? " +
          "['PixelNoise', 'Geometric', 'Stroke', 'Photometric', 'Linf', 'L2'] : ['Linf', 'L2', 'VectorBox']))",
        message:
          "perturbations[].family must fit modality: VectorBox is for Vector; PixelNoise, Geometric, Stroke and Photometric are for Image",
        fieldPath: ".perturbations",
      },
    ),
  );
export type ThreatModelSpec = z.infer<typeof threatModelSpec>;

export const threatModelStatus = z
  .object({
    observedGeneration: z.int().optional().describe("The generation of the spec that was last seen."),
    hash: digest.optional().describe("Hash of the canonical spec: runs and reports name the threat model by it."),
    conditions,
    validatedAt: instant.optional().describe("When the spec was last validated."),
  })
  .describe("What the operator says of the threat model.");
export type ThreatModelStatus = z.infer<typeof threatModelStatus>;

export const threatModel = z.object({
  apiVersion: z.literal(`${group}/${version}`),
  kind: z.literal("ThreatModel"),
  metadata: objectMeta,
  spec: threatModelSpec,
  status: threatModelStatus.prefault({}),
});
export type ThreatModel = z.infer<typeof threatModel>;
