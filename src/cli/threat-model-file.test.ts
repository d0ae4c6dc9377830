import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exitCodes } from "./command-error.ts";
import { readThreatModel } from "./threat-model-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "threats-"));
});
afterAll(() => rm(folder, { recursive: true }));

const read = async (text: string) => {
  const file = join(folder, "threats.yaml");
  await writeFile(file, text);
  return await readThreatModel(file);
};
const spec = "{ modality: Vector, perturbations: [{ name: box, kind: Adversarial, family: VectorBox, epsilon: 0.1 }] }";

it.each([
  ["a spec alone", spec],
  ["an object", `kind: ThreatModel\nspec: ${spec}`],
  [
    "the one ThreatModel among others",
    `kind: Namespace\n---\nkind: ThreatModel\nspec: ${spec}\n---\nkind: EmbeddingService`,
  ],
])("takes %s", async (_, text) => {
  expect(await read(text)).toMatchObject({ modality: "Vector", perturbations: [{ name: "box" }] });
});

it.each([
  [
    "two ThreatModels",
    `kind: ThreatModel\nspec: {}\n---\nkind: ThreatModel\nspec: {}`,
    /has 2 ThreatModels among 2 objects/,
  ],
  ["several objects without one", "kind: Namespace\n---\nkind: Service", /has 0 ThreatModels among 2 objects/],
  ["an array", "[1, 2]", /threats\.yaml: must be an object, not \[1,2\]/],
  ["what is no YAML", "a: [", /threats\.yaml: .*[^:]$/],
  ["a family that there is not", spec.replace("VectorBox", "Linfinity"), /perturbations\[0\]\.family/],
])("refuses %s, naming the file", async (_, text, message) => {
  await expect(read(text)).rejects.toMatchObject({
    exitCode: exitCodes.usage,
    message: expect.stringMatching(message),
  });
});

it("says when there is no such file", async () => {
  await expect(readThreatModel(join(folder, "nope.yaml"))).rejects.toMatchObject({ exitCode: exitCodes.notFound });
});
