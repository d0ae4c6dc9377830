import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { threatModel, threatModelSpec } from "../../api/index.ts";
import { decide } from "./decide.ts";
import { problemsOf } from "./problems.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const model = (perturbations: object[], modality = "Image", targets: object[] = []) =>
  threatModel.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ThreatModel",
    metadata: { name: "images", namespace: "search", generation: 1 },
    spec: { modality, perturbations, targets },
  });
const tilt = { name: "tilt", family: "Geometric", kind: "Benign", degrees: 15 };
const crafted = { name: "crafted", family: "Linf", kind: "Adversarial", epsilon: 0.1 };

describe("a threat model", () => {
  it("that makes sense is ready, with the hash of its canonical spec", () => {
    const { conditions, hash } = decide(model([tilt, crafted]), now);
    expect(conditions).toMatchObject([{ type: "Ready", status: "True", reason: "Valid" }]);
    expect(hash).toMatch(/^sha256:/);
    expect(decide(model([{ degrees: 15, kind: "Benign", family: "Geometric", name: "tilt" }, crafted]), now).hash).toBe(
      hash,
    );
    expect(decide(model([{ ...tilt, degrees: 16 }, crafted]), now).hash).not.toBe(hash);
  });

  it("that was looked at is left as it is", () => {
    const once = model([tilt]);
    const status = decide(once, now);
    expect(decide({ ...once, status }, now + 9e6)).toEqual(status);
  });

  it("is judged anew by an operator that judges otherwise", () => {
    const once = model([{ ...tilt, epsilon: 0.1 }]);
    const { conditions: _, ...status } = decide(once, now);
    const valid = { type: "Ready", status: "True" as const, reason: "Valid", message: "" };
    const before = { ...status, conditions: [{ ...valid, lastTransitionTime: "2026-11-24T08:00:00Z" }] };
    const later = decide({ ...once, status: before }, now + 9e6);
    expect(later.conditions).toMatchObject([{ status: "False", reason: "InvalidThreatModel" }]);
    expect(later.validatedAt).toBe(status.validatedAt);
  });

  it.each([
    ["a family of another modality", model([{ ...crafted, family: "VectorBox" }]), "spec.perturbations[0].family"],
    ["a crafted family called benign", model([{ ...crafted, kind: "Benign" }]), "spec.perturbations[0].kind"],
    ["no budget", model([{ name: "tilt", family: "Geometric", kind: "Benign" }]), "degrees or shear or scale or shift"],
    ["a budget of nothing", model([{ ...crafted, epsilon: 0 }]), "needs epsilon above 0"],
    [
      "a budget of another family",
      model([{ ...tilt, epsilon: 0.1 }]),
      "spec.perturbations[0].epsilon: Geometric has no epsilon",
    ],
    [
      "an epsilon beyond the unit interval",
      model([{ ...crafted, epsilon: 1.4 }]),
      "1.4 is outside (0, 1] for family Linf",
    ],
    ["immutable pixels", model([{ ...crafted, immutable: [1] }]), "only VectorBox"],
    ["a name twice", model([tilt, tilt]), "tilt is there twice"],
    [
      "a target of nothing",
      model([tilt], "Image", [{ perturbation: "other", metric: "Consistency", atLeast: 0.5 }]),
      "other is none of the perturbations",
    ],
  ])("with %s is refused, naming the field", (_, invalid, message) => {
    expect(problemsOf(invalid.spec).join("; ")).toContain(message);
    expect(decide(invalid, now).conditions).toMatchObject([
      { type: "Ready", status: "False", reason: "InvalidThreatModel" },
    ]);
  });

  it("is valid in every sample", () => {
    const folder = join(import.meta.dirname, "../../../deploy/samples");
    const found = readdirSync(folder)
      .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((each) => each.toJS()))
      .filter(({ kind }) => kind === "ThreatModel");
    expect(found.length).toBeGreaterThan(1);
    for (const { spec } of found) expect(problemsOf(threatModelSpec.parse(spec))).toEqual([]);
  });

  it("of vectors takes boxes with immutable coordinates", () => {
    expect(
      problemsOf(
        model([{ name: "box", family: "VectorBox", kind: "Adversarial", epsilon: 2, immutable: [0, 3] }], "Vector")
          .spec,
      ),
    ).toEqual([]);
  });
});
