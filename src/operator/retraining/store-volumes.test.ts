import { describe, expect, it } from "vitest";
import { reportsOf } from "../../api/index.ts";
import { runFixture } from "../run.fixture.ts";
import { evaluationJob, trainingJob } from "./resources.ts";
import { storeVolumes } from "./store-volumes.ts";

const digest = `sha256:${"d".repeat(64)}`;
const uri = (name: string): string => `store://${name}@${digest}`;

const run = (spec: object = {}) =>
  runFixture({
    spec: { dataset: { reference: uri("data/shop"), evaluation: uri("data/shop-eval") }, ...spec },
    status: { bundle: uri("models/shop") },
  });

/** Folders by whether they may be written. */
function shown(of: ReturnType<typeof run>, role: "train" | "evaluate") {
  const { mounts } = storeVolumes(of, role);
  expect(mounts.every(({ mountPath, subPath }) => mountPath === `/store/${subPath}`)).toBe(true);
  const folders = (isRead: boolean) =>
    mounts.filter(({ readOnly = false }) => readOnly === isRead).map(({ subPath }) => subPath);
  return { read: folders(true), write: folders(false) };
}

describe("what a trainer is shown of the store", () => {
  it("is what it learns from, and to write its own run and the place of its model: no evaluation, no report", () => {
    expect(shown(run(), "train")).toEqual({
      read: ["data/shop", "traffic/search/shop"],
      write: ["models/shop", "runs/search/shop-1"],
    });
  });

  it("is the first version as well, and a snapshot that lies elsewhere", () => {
    const firstVersion = { digest, uri: uri("models/before") };
    expect(shown(run({ firstVersion, traffic: uri("data/captured") }), "train").read).toEqual([
      "models/before",
      "data/shop",
      "traffic/search/shop",
      "data/captured",
    ]);
  });

  it("is a place under the service's name for the first model of one outside the store", () => {
    expect(shown(run({ parent: { digest, uri: "hub/thumbnails" } }), "train").write).toEqual([
      "models/shop",
      "runs/search/shop-1",
    ]);
  });

  it("is nothing by a name that would leave the store", () => {
    const dataset = { reference: uri("data/../../etc"), evaluation: uri("data/shop-eval") };
    expect(shown(run({ dataset }), "train").read).toEqual(["traffic/search/shop"]);
  });
});

describe("what an evaluation is shown of the store", () => {
  it("is what it compares and measures with, and to write where no trainer can: its results and reports", () => {
    const baseline = { digest, uri: uri("models/approved") };
    expect(shown(run({ baseline }), "evaluate")).toEqual({
      read: ["models/shop", "models/approved", "data/shop", "data/shop-eval", "traffic/search/shop"],
      write: [reportsOf("models/shop"), "evaluations/search/shop-1"],
    });
  });

  it("has each folder once, whatever a trainer named its model", () => {
    const odd = runFixture({ status: { bundle: uri("reports/shop") } });
    const { mounts } = storeVolumes(odd, "evaluate");
    expect(new Set(mounts.map(({ mountPath }) => mountPath)).size).toBe(mounts.length);
  });
});

describe("captured traffic on a claim of its own", () => {
  const apart = run({ trafficClaimName: "traffic" });
  const images = { image: "evenkeel", trainerImage: "trainer" };

  it.each([
    ["a trainer", trainingJob(apart, "t", images)],
    ["an evaluation", evaluationJob(apart, "e", images)],
  ])("is shown to %s at its place, to read", (_, { spec }) => {
    const { volumes, containers } = spec.template.spec;
    expect(volumes).toContainEqual({ name: "traffic", persistentVolumeClaim: { claimName: "traffic" } });
    expect(containers[0]?.volumeMounts.filter(({ name }) => name === "traffic")).toEqual([
      { name: "traffic", mountPath: "/store/traffic/search/shop", subPath: "traffic/search/shop", readOnly: true },
    ]);
  });

  it("is no second volume when it is the same claim", () => {
    const volumes = (of: ReturnType<typeof run>) => storeVolumes(of, "train").volumes;
    expect(volumes(run({ trafficClaimName: "store" }))).toEqual(volumes(run()));
  });
});
