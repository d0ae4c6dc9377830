import { describe, expect, it } from "vitest";
import { type EvaluationData, gate, type Trigger } from "../../api/index.ts";
import { serviceFixture } from "../service.fixture.ts";
import { causesOf } from "./causes.ts";
import { alphaLeft, retrainingOf, usesTraffic } from "./resources.ts";
import type { SignalState } from "./world.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const uri = (character: string): string => `store://data/x@${digest(character)}`;
const snapshot = (character: string) => ({ uri: uri(character), samples: 100, from: "", to: "" });

const service = (change: { status?: object; capture?: "On" | "Off"; uid?: string; triggers?: object[] } = {}) =>
  serviceFixture({
    metadata: { uid: change.uid ?? "u", creationTimestamp: "2026-11-01T00:00:00Z" },
    spec: {
      dataset: { reference: uri("1"), evaluation: uri("2"), traffic: { capture: change.capture ?? "Off" } },
      triggers: change.triggers ?? [],
      retraining: { threatModelRef: { name: "images" } },
    },
    status: { activeVersion: { name: "shop-a", digest: digest("a"), uri: uri("a") }, ...change.status },
  });

const signal = (change: Partial<Trigger> = {}, alarm = 1, held = true): SignalState => ({
  trigger: { name: "drift", signal: "RepresentationDrift", for: "0s", then: "Retrain", ...change },
  status: {
    name: "drift",
    verdict: "Fail",
    value: 1,
    threshold: 0,
    failingFor: 0,
    held,
    asked: "",
    alarm,
    message: "",
    reason: "",
    model: "",
  },
  held,
  learning: false,
  query: "q",
});

const idOf = (of: ReturnType<typeof service>, state: SignalState, taken: ReturnType<typeof snapshot> | null = null) =>
  causesOf(of, [state], [], taken, now)[0]?.id;

type Judged = { readonly gates?: readonly object[]; readonly evaluationData?: EvaluationData };

describe("a cause's id", () => {
  const base = idOf(service(), signal());
  it("is ten digits that follow from the facts, the same in every process", () => {
    expect(base).toMatch(/^[0-9a-f]{10}$/);
    expect(idOf(service(), { ...signal(), query: "another" })).toBe(base);
    expect(causesOf(service(), [signal()], [], null, now + 9e6)[0]?.id).toBe(base);
  });
  it.each([
    ["trigger", service(), signal({ name: "other" })],
    ["alarm number", service(), signal({}, 2)],
    ["model", service({ status: { activeVersion: { name: "b", digest: digest("b"), uri: uri("b") } } }), signal()],
    ["service of the same name", service({ uid: "v" }), signal()],
  ])("is another for another %s", (_, of, state) => {
    expect(idOf(of, state)).not.toBe(base);
  });
  it("is another when the trigger of that name asks something else", () => {
    const other = signal();
    expect(idOf(service(), { ...other, status: { ...other.status, asked: "0123456789ab" } })).not.toBe(base);
  });
  describe("with captured traffic of a TTL of 7 days", () => {
    const capturing = service({ capture: "On" });
    const day = 86_400_000;
    const failingFor = (days: number, change: Partial<Trigger> = {}) => {
      const state = signal(change);
      return { ...state, status: { ...state.status, failingSince: new Date(now - days * day).toISOString() } };
    };
    it("is the same while some of what was captured at the alarm may still be there", () => {
      expect(idOf(capturing, failingFor(6.9), snapshot("9"))).toBe(idOf(capturing, failingFor(0), snapshot("8")));
    });
    it("is another once none of it is", () => {
      expect(idOf(capturing, failingFor(7), snapshot("9"))).not.toBe(idOf(capturing, failingFor(0), snapshot("8")));
    });
    it("is another once there is any", () => {
      expect(idOf(capturing, failingFor(0), null)).not.toBe(idOf(capturing, failingFor(0), snapshot("8")));
    });
    it("stays for an attack, whose window is never trained on", () => {
      const attack = { name: "attack", signal: "AdversarialAnomaly" } as const;
      expect(idOf(capturing, failingFor(7, attack), snapshot("9"))).toBe(idOf(capturing, failingFor(0, attack), null));
    });
  });
});

describe("causes", () => {
  it.each([
    ["RepresentationDrift", "Drift"],
    ["AdversarialAnomaly", "Attack"],
    [undefined, "Custom"],
  ] as const)("of %s are of class %s", (name, expected) => {
    const { signal: _, ...trigger } = signal().trigger;
    const state = { ...signal(), trigger: { ...trigger, ...(name ? { signal: name } : { promql: "x" }) } };
    expect(causesOf(service(), [state], [], null, now)[0]?.class).toBe(expected);
  });
  it.each([
    ["it has not held", signal({}, 1, false)],
    ["it only reports", signal({ then: "Report" })],
    ["it only protects", signal({ then: "Protect" })],
  ])("are none while %s", (_, state) => {
    expect(causesOf(service(), [state], [], null, now)).toEqual([]);
  });
});

describe("the run of a cause", () => {
  it("spends half of what is left of the evaluation set's alpha with each promotion", () => {
    const left = [0, 1, 2, 19].map((uses) =>
      alphaLeft(service({ status: { evaluationUses: [{ evaluation: uri("2"), uses }] } }).status, uri("2")),
    );
    expect(left.slice(0, 3)).toEqual([0.025, 0.0125, 0.00625]);
    expect(left.reduce((sum, alpha) => sum + alpha, 0)).toBeLessThan(0.05);
    expect(
      alphaLeft(service({ status: { evaluationUses: [{ evaluation: uri("2"), uses: 20 }] } }).status, uri("2")),
    ).toBe(0);
  });
  it("trains on the snapshot it was recorded with, and never on an attacker's", () => {
    const of = service({
      capture: "On",
      status: { firstVersion: { name: "shop-f", digest: digest("f"), uri: uri("f") } },
    });
    const images = {
      apiVersion: "evenkeel.dev/v1alpha1" as const,
      kind: "ThreatModel" as const,
      metadata: of.metadata,
      spec: { modality: "Image" as const, perturbations: [], targets: [] },
      status: { conditions: [], hash: digest("3") },
    };
    const make = (state: SignalState) => {
      const [cause] = causesOf(of, [state], [], snapshot("8"), now);
      const active = of.status.activeVersion;
      if (!cause || !active) throw new Error("no cause");
      return retrainingOf({ service: of, snapshot: snapshot("8") }, images, cause, active).spec;
    };
    expect(make(signal())).toMatchObject({ traffic: uri("8"), parent: { digest: digest("a") }, alpha: 0.025 });
    expect(make(signal()).firstVersion).toEqual({ digest: digest("f"), uri: uri("f") });
    expect(make(signal({ name: "attack", signal: "AdversarialAnomaly" })).traffic).toBeUndefined();
    expect(make(signal()).seed).toBe(make(signal()).seed);
  });

  describe("takes in captured traffic only where something judges it", () => {
    const clean = { name: "clean", metric: "CleanAccuracy", test: "NonInferiority" };
    const shifted = { name: "shifted", metric: "ShiftedAccuracy", test: "Superiority" };
    it.each([
      ["a drift, by its default gates", "Drift", {}, true],
      ["a schedule, whose default gates measure no new domain", "Schedule", {}, false],
      ["a run by hand likewise", "Manual", {}, false],
      ["a drift under gates that do not measure the new domain", "Drift", { gates: [clean] }, false],
      ["a schedule under gates that do", "Schedule", { gates: [clean, shifted] }, true],
      ["a schedule without labels: a person approves it", "Schedule", { evaluationData: "None" }, true],
      ["an attack, whatever its gates", "Attack", { gates: [shifted] }, false],
    ] as const)("%s", (_, causeClass, { gates = [], evaluationData = "Labelled" }: Judged, expected) => {
      const { spec } = service({ capture: "On" });
      const retraining = spec.retraining && { ...spec.retraining, evaluationData };
      const asked = { ...spec, gates: gates.map((each) => gate.parse(each)), ...(retraining ? { retraining } : {}) };
      expect(usesTraffic({ spec: asked }, { class: causeClass })).toBe(expected);
    });
  });
});
