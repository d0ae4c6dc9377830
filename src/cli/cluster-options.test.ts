import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { documentWriter } from "./cluster-options.ts";

describe("documentWriter", () => {
  const documents = [{ services: [{ name: "a" }] }, { services: [] }];

  it("gives JSON that is read line by line", async () => {
    const write = await documentWriter("json");
    const text = documents.map((document) => write(document)).join("");
    expect(
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(documents);
  });

  it("gives YAML of many documents", async () => {
    const write = await documentWriter("yaml");
    const text = documents.map((document) => write(document)).join("");
    expect(parseAllDocuments(text).map((document) => document.toJS())).toEqual(documents);
  });
});
