import { readdir, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { Command } from "commander";
import { PackError, type Packed, pack } from "../packing/index.ts";
import { rowsOfSplit, type Split, sourceName, writeDataset } from "../registry/index.ts";
import { CommandError } from "./command-error.ts";
import { fillFolder } from "./fill-folder.ts";
import { progressBar } from "./progress-bar.ts";
import { requireWritable } from "./require-writable.ts";
import { warnOfSize } from "./warn-of-size.ts";

const examples = `
What is packed:
  FOLDER/LABEL/NAME.png   images by label; FOLDER/NAME.png for images without labels
  FILE.jsonl              an input a line: {"input": [0.1, 2.5], "label": "shoes", "source": "sku-17", "domain": "base"}

PNG images are grey or RGB, of 8 bits, all of one size. In a JSONL file the input is an array of numbers, or the path of a PNG
file (from where the JSONL file is), or data:image/png;base64,… as clients send it; text is not supported yet. Labels are
numbered in their order.

  label    what should be near what: gates measure by it, a first model is trained by it. All inputs have one, or none has.
  source   what an input was made from: a photo's crops share one. Training and proof never share a source. Without it an
           input's content is its source, so that copies are one.
  domain   base (without it) is what the model knows; any other name is data of a new world, which gates measure apart.

Examples:
  evenkeel pack ./photos --to ./shop
  evenkeel pack payments.jsonl --to ./payments
  evenkeel push ./shop --name data/shop --store /mnt/store         the next step

Exit codes: 0 done, 1 no space was left, 2 wrong usage, or a folder that cannot be written to, 3 what is to be packed is not
there, 5 it is empty or something in it cannot be packed: the message names the file or the line.`;

export const command = new Command("pack")
  .summary("make a dataset of PNG images or of JSON lines")
  .description(
    "Makes a dataset of a folder with PNG images or of a JSONL file. The same content always gives the same dataset.",
  )
  .argument("<from>", "the folder or the JSONL file")
  .requiredOption("--to <folder>", "where the dataset goes: a new or an empty folder, or one with an older dataset")
  .addHelpText("after", examples)
  .action(async (from: string, { to }: { to: string }) => {
    if (!(await stat(from).catch(() => null))) throw new CommandError("notFound", `${from} is not there`);
    if (isInside(to, from))
      throw new CommandError("usage", `--to ${to}: it is inside ${from}: the next time it would be packed`);
    await requireWritable({ option: "--to", path: to, kind: "Folder" });
    await requireReplaceable(to);
    const bar = progressBar();
    const packed = await pack(from, (done) => bar(`packing ${from}`, done)).catch((error: unknown) => {
      throw error instanceof PackError ? new CommandError("verificationFailed", error.message) : error;
    });
    await fillFolder("--to", to, (beside) => writeDataset(beside, packed.dataset));
    console.log(summary(packed, to).join("\n"));
    warnOfSize(packed.dataset);
  });

function isInside(folder: string, other: string): boolean {
  const way = relative(resolve(other), resolve(folder));
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}

/** A folder of something else is no place for a dataset: it would go into the store as a part of it. */
async function requireReplaceable(folder: string): Promise<void> {
  const files = await readdir(folder).catch(() => []);
  const other = files.find((file) => file !== "dataset.json" && file !== "data.safetensors");
  if (other !== undefined)
    throw new CommandError("usage", `--to ${folder}: it holds ${other}: give a folder for the dataset alone`);
}

const splits: readonly Split[] = ["train", "control", "calibration", "gate", "proof"];

function summary({ dataset, labelNames }: Packed, to: string): string[] {
  const { modality, shape, count, domainNames } = dataset;
  const sources = new Set(Array.from({ length: count }, (_, row) => sourceName(dataset, row)));
  const what = modality === "Image" ? "images" : "vectors";
  const dealt = splits.map((split) => `${split} ${rowsOfSplit(dataset, [split]).length}`);
  return [
    `${to}: ${count} ${what} of ${shape.join(" × ")} from ${sources.size} sources`,
    labelNames.length > 0 ? `labels: ${listed(labelNames.map((name, label) => `${label} ${name}`))}` : "no labels",
    ...(domainNames.length > 1 ? [`domains: ${listed(domainNames)}`] : []),
    `dealt by source: ${dealt.join(", ")}`,
  ];
}

function listed(names: readonly string[]): string {
  return names.length > 12 ? `${names.slice(0, 12).join(", ")} … of ${names.length}` : names.join(", ");
}
