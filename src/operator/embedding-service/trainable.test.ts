import { describe, expect, it } from "vitest";
import { type ModelRef, retraining } from "../../api/index.ts";
import { serviceFixture } from "../service.fixture.ts";
import { notTrainable } from "./trainable.ts";

const digest = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;
const stored: ModelRef = { name: "shop-a", digest, uri: `store://models/shop@${digest}` };
const foreign: ModelRef = { name: "shop-a", digest, uri: "hub/thumbnails" };

const service = (trainer: object = {}) =>
  serviceFixture({
    spec: {
      dataset: { reference: `store://data/shop@${digest}`, evaluation: `store://data/eval@${digest}` },
      retraining: { threatModelRef: { name: "images" }, trainer },
    },
  });

const run = (change: { reason?: string; parent?: string; trainer?: object } = {}) =>
  retraining.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "Retraining",
    metadata: { name: "shop-0123456789", namespace: "search", uid: "r" },
    spec: {
      serviceRef: { name: "shop" },
      cause: { id: "0123456789", class: "Drift", trigger: "drift", at: "2026-11-24T07:00:00Z" },
      parent: { digest: change.parent ?? digest, uri: `store://models/shop@${change.parent ?? digest}` },
      baseline: { digest, uri: `store://models/shop@${digest}` },
      threatModel: { name: "images", hash: digest, perturbations: [] },
      dataset: { reference: `store://data/shop@${digest}` },
      evaluationData: "None",
      seed: 1,
      trainer: change.trainer ?? {},
      placement: {},
      gates: [{ name: "overlap", metric: "OldIndexOverlap", test: "NonInferiority" }],
      alpha: 0.025,
      claimName: "store",
      maxDuration: "1h",
    },
    status: { phase: "Failed", reason: change.reason ?? "ModelNotTrainable", message: "model_type: gpt" },
  });

describe("a model outside the store", () => {
  it.each([
    ["without an image of the user's", {}, /image of your own, and evaluation: Image/],
    ["whose candidates ours would have to be compared with", { image: "mine" }, /evaluation must be Image/],
  ])("is not trained %s", (_, trainer, why) => {
    expect(notTrainable(service(trainer), foreign, [])).toMatch(why);
  });

  it("is trained by an image that evaluates as well", () => {
    expect(notTrainable(service({ image: "mine", evaluation: "Image" }), foreign, [])).toBeNull();
  });
});

describe("a model in the store", () => {
  it("is trained", () => {
    expect(notTrainable(service(), stored, [])).toBeNull();
  });

  it("is not trained again once a run could not load it", () => {
    const why = notTrainable(service(), stored, [run()]);
    expect(why).toContain("Retraining shop-0123456789 could not load it: model_type: gpt");
    expect(why).toMatch(/to try the same one again delete that run, then use `evenkeel retrain shop`$/);
  });

  it.each([
    ["failed otherwise", {}, run({ reason: "Diverged" })],
    ["was of another model", {}, run({ parent: other })],
    ["had another trainer", { image: "mine" }, run()],
    ["had another evaluation", { image: "mine", evaluation: "Image" }, run({ trainer: { image: "mine" } })],
  ])("is trained when the run that failed %s", (_, trainer, failed) => {
    expect(notTrainable(service(trainer), stored, [failed])).toBeNull();
  });
});
