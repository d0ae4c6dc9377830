import { describe, expect, it } from "vitest";
import { decide } from "./decide.ts";
import { ago, now, signal, spec, spent, world } from "./world.fixture.ts";

describe("protection", () => {
  const on = (quietSince?: string) => ({
    status: {
      protection: { active: true, since: ago(1000), trigger: "attack", ...(quietSince ? { quietSince } : {}) },
    },
  });

  it("begins when an attack has held, whatever holds retraining back", () => {
    const suspended = { ...spec.retraining, suspended: true };
    const {
      protection,
      retraining: answer,
      status,
      said,
    } = decide(
      world({
        signals: [signal("ProtectAndRetrain", "Fail")],
        spec: { retraining: suspended },
        status: spent("Drift", ago(1), 1),
      }),
      now,
    );
    expect(protection).toMatchObject({ kind: "On", trigger: "attack" });
    expect(answer).toMatchObject({ kind: "Wait", reason: "Suspended" });
    expect(status.phase).toBe("Protecting");
    expect(said.map(({ kind }) => kind)).toEqual(["ProtectionStarted"]);
  });

  it.each([
    ["a drift alone", [signal("Retrain", "Fail")], "Off"],
    ["an attack that has not held", [signal("Protect", "Fail", false)], "Off"],
  ])("does not begin for %s", (_, signals, kind) => {
    expect(decide(world({ signals }), now).protection.kind).toBe(kind);
  });

  it.each([
    ["still attacked", signal("Protect", "Fail"), ago(9999), "On", null],
    ["no data: an attacker may have silenced it", signal("Protect", "NoData"), ago(9999), "On", null],
    ["quiet only now", signal("Protect", "Pass"), undefined, "On", ago(0)],
    ["quiet, but not for long enough", signal("Protect", "Pass"), ago(899), "On", ago(899)],
    ["quiet for long enough", signal("Protect", "Pass"), ago(900), "Off", undefined],
  ])("%s", (_, state, quietSince, kind, expected) => {
    const { protection } = decide(world({ ...on(quietSince), signals: [state] }), now);
    expect(protection.kind).toBe(kind);
    expect(protection.kind === "On" ? protection.quietSince : undefined).toBe(expected);
  });
});
