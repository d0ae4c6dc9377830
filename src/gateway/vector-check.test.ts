import { describe, expect, it } from "vitest";
import { protocols } from "./protocols/index.ts";
import { anyForm, checkAnswer, vectorFault } from "./vector-check.ts";

const unit = { dimension: 2, normalised: true };
const vector = (...values: number[]): Float32Array => Float32Array.from(values);

describe("vectorFault", () => {
  it.each([
    ["of norm 1", vector(0.6, 0.8), unit, null],
    ["of norm 50", vector(30, 40), unit, "norm"],
    ["of norm 0", vector(0, 0), unit, "norm"],
    ["of norm 50 where that is usual", vector(30, 40), anyForm, null],
    ["of norm 0 where any other is usual", vector(0, 0), anyForm, "norm"],
    ["too short", vector(1), unit, "length"],
    ["not finite", vector(Number.NaN, 1), unit, "not_finite"],
    ["too large for a sum of squares", vector(1e39, 0), unit, "not_finite"],
  ])("a vector %s", (_, value, form, fault) => {
    expect(vectorFault(value, form)).toBe(fault);
  });

  it.each([
    ["float16", 11],
    ["bfloat16", 8],
  ])("vectors that a server normalised in %s have norm 1", (_, bits) => {
    // Rounds to so many significant bits, as a server does with the norm and with each quotient.
    const rounded = (value: number): number => {
      const unitInLastPlace = 2 ** (Math.floor(Math.log2(Math.abs(value))) - bits + 1);
      return Math.round(value / unitInLastPlace) * unitInLastPlace;
    };
    for (const size of [8, 384, 1024]) {
      for (let turn = 1; turn <= 50; turn++) {
        const raw = Array.from({ length: size }, (_v, j) => rounded(Math.sin(turn * (j + 1)) + 0.01));
        const norm = rounded(Math.hypot(...raw));
        const stored = Float32Array.from(raw, (value) => rounded(value / norm));
        expect(vectorFault(stored, { dimension: size, normalised: true })).toBeNull();
      }
    }
  });
});

describe("checkAnswer", () => {
  const tei = (fields: object) => Buffer.from(JSON.stringify({ inputs: "a", ...fields }));
  const openAi = (fields: object) => Buffer.from(JSON.stringify({ input: "a", ...fields }));

  it.each([
    ["raw vectors of a client that asked for them", "TEI", tei({ normalize: false }), vector(30, 40), null, true],
    ["shortened vectors of a client that asked for them", "OpenAI", openAi({ dimensions: 1 }), vector(1), null, true],
    ["raw vectors that nobody asked for", "TEI", tei({}), vector(30, 40), "norm", false],
    ["shortened vectors that nobody asked for", "OpenAI", openAi({}), vector(1), "length", false],
    [
      "vectors that are not finite, whatever was asked for",
      "TEI",
      tei({ normalize: false }),
      vector(Number.NaN, 0),
      "not_finite",
      true,
    ],
    ["raw vectors for a request that was not kept", "TEI", null, vector(30, 40), null, true],
    ["good vectors for a request that was not kept", "TEI", null, vector(0.6, 0.8), null, false],
  ] as const)("%s", (_, protocol, request, value, fault, altered) => {
    expect(checkAnswer([value], unit, protocols[protocol], request)).toEqual({ faults: [fault], altered });
  });
});
