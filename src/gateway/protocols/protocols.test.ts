import { describe, expect, it } from "vitest";
import { protocols, Unparsed } from "./index.ts";

const { OpenAI: openAi, TEI: tei } = protocols;
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const base64 = (...values: number[]): string => Buffer.from(new Float32Array(values).buffer).toString("base64");
const reason = (read: () => unknown): string => {
  try {
    read();
    return "none";
  } catch (error) {
    if (error instanceof Unparsed) return error.reason;
    throw error;
  }
};

describe("OpenAI", () => {
  it.each([
    ["a string", "a", ["a"]],
    ["strings", ["a", "b"], ["a", "b"]],
    ["one vector", [1, 2], [[1, 2]]],
    [
      "vectors",
      [
        [1, 2],
        [3, 4],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ])("reads %s, and what else is asked for", (_, input, inputs) => {
    const body = bytes({ input, model: "m", encoding_format: "base64" });
    expect(openAi.readRequest(body)).toEqual({ inputs, fields: { model: "m", encoding_format: "base64" } });
  });

  it("reads vectors by their index, as floats and as base64", () => {
    const body = bytes({
      data: [
        { index: 1, embedding: [0.25, -2] },
        { index: 0, embedding: base64(0.5, 3) },
      ],
    });
    expect(openAi.readAnswer(body)).toEqual([Float32Array.of(0.5, 3), Float32Array.of(0.25, -2)]);
  });

  it("keeps numbers that are not finite as such, also as Python writes them", () => {
    const body = bytes(
      `{"data": [{"embedding": [NaN, 1]}, {"embedding": [-Infinity, null]}, {"embedding": "${base64(Infinity, 1)}"}]}`,
    );
    expect(openAi.readAnswer(body).map((vector) => vector.every(Number.isFinite))).toEqual([false, false, false]);
  });

  it("writes a request that reads back, in floats whatever was asked for before", () => {
    const body = openAi.writeRequest(["x", "y"], { model: "m", encoding_format: "base64" });
    expect(openAi.readRequest(body)).toEqual({ inputs: ["x", "y"], fields: { model: "m", encoding_format: "float" } });
  });

  it.each([
    ["unknown body", "<html>", "json"],
    ["no input", "{}", "shape"],
    ["objects as inputs", { input: [{}] }, "shape"],
    ["strings and numbers", { input: ["a", 1] }, "shape"],
    ["empty batch", { input: [] }, "empty"],
  ])("request: %s", (_, body, expected) => {
    expect(reason(() => openAi.readRequest(bytes(body)))).toBe(expected);
  });

  it.each([
    ["unknown body", "oops", "json"],
    ["an error object", { error: {} }, "shape"],
    ["a list", [], "shape"],
    [
      "two of one index",
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 0, embedding: [1] },
        ],
      },
      "shape",
    ],
    ["an index beyond", { data: [{ index: 1_000_000, embedding: [1] }] }, "shape"],
    ["base64 of three bytes", { data: [{ embedding: "AAAA" }] }, "shape"],
    ["a vector of strings", { data: [{ embedding: ["1"] }] }, "shape"],
  ])("answer: %s", (_, body, expected) => {
    expect(reason(() => openAi.readAnswer(bytes(body)))).toBe(expected);
  });
});

describe("TEI", () => {
  it("reads requests and answers, and writes requests", () => {
    expect(tei.readRequest(bytes({ inputs: "a", normalize: true }))).toEqual({
      inputs: ["a"],
      fields: { normalize: true },
    });
    expect(
      tei.readAnswer(
        bytes([
          [1, 2],
          [3, null],
        ]),
      ),
    ).toEqual([Float32Array.of(1, 2), Float32Array.of(3, Number.NaN)]);
    expect(tei.readRequest(tei.writeRequest([[1, 2]], { normalize: false }))).toEqual({
      inputs: [[1, 2]],
      fields: { normalize: false },
    });
  });

  it.each([
    ["no inputs", "{}", "shape"],
    ["empty batch", { inputs: [] }, "empty"],
  ])("request: %s", (_, body, expected) => {
    expect(reason(() => tei.readRequest(bytes(body)))).toBe(expected);
  });

  it("answer: an object", () => {
    expect(reason(() => tei.readAnswer(bytes({ error: "x" })))).toBe("shape");
  });
});

it("tells failures where each protocol's clients look for them", () => {
  const failure = { title: "No pod answers", detail: "no pod of products answers on port 8080" };
  const message = "No pod answers: no pod of products answers on port 8080";
  expect(openAi.errorFields({ status: 503, ...failure })).toEqual({
    error: { message, type: "server_error", param: null, code: null },
  });
  expect(openAi.errorFields({ status: 422, ...failure })).toMatchObject({ error: { type: "invalid_request_error" } });
  expect(tei.errorFields({ status: 503, ...failure })).toEqual({ error: message, error_type: "Unhealthy" });
  expect(tei.errorFields({ status: 413, ...failure })).toMatchObject({ error_type: "Validation" });
});
