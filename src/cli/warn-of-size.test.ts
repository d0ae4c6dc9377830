import { expect, it } from "vitest";
import { sourceId16 } from "../registry/index.ts";
import { tooSmall } from "./warn-of-size.ts";

const vectors = (count: number) =>
  tooSmall({
    modality: "Vector",
    shape: [1],
    count,
    domainNames: ["base"],
    source: "",
    inputs: new Float32Array(count),
    sources: Buffer.concat(Array.from({ length: count }, (_, i) => sourceId16(String(i)))),
  });

it("says of a small dataset which split has how many inputs, and how many it needs", () => {
  expect(vectors(2)).toMatch(
    /: of 2 inputs go \d to train, which needs 32; \d to control, which needs 8; \d to calibration, which needs 48$/,
  );
});

it("says nothing of a large one", () => {
  expect(vectors(400)).toBeNull();
});
