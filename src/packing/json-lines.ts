import { type FileHandle, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { fieldErrors, insteadOf, inWords, whyNotRead } from "../registry/index.ts";
import { image, imageFile } from "./image-input.ts";
import { PackError, type Row, type RowInput } from "./row.ts";

const pngPrefix = "data:image/png;base64,";

const line = z.strictObject(
  {
    input: z.union([z.array(z.number()).min(1), z.string().min(1)], {
      error: ({ input }) =>
        `must be an array of finite numbers, or a path of a PNG file, or ${pngPrefix}…, ${insteadOf(input)}`,
    }),
    label: z
      .union([z.string().min(1), z.int()], {
        error: ({ input }) => `must be a text or a whole number, ${insteadOf(input)}`,
      })
      .optional(),
    source: z.string().min(1).optional(),
    domain: z.string().min(1).max(63).optional(),
  },
  {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `there is no field ${issue.keys.join(", ")}: a line has input, label, source and domain`
        : `must be an object such as {"input": [0.1, 2.5]}, ${insteadOf(issue.input)}`,
  },
);

/**
 * One input a line, as `{"input": …, "label": …, "source": …, "domain": …}`, all but the input optional. Inputs are as clients
 * send them, or paths of PNG files beside the JSONL file.
 *
 * @throws {PackError} naming the line and the field
 */
export async function* jsonLines(file: string): AsyncGenerator<Row> {
  await using handle = await open(file).catch((error: unknown) => {
    throw new PackError(`${file}: ${whyNotRead(error)}`);
  });
  const { size } = await handle.stat();
  let number = 0;
  let read = 0;
  for await (const text of linesOf(handle, file)) {
    number += 1;
    read += Buffer.byteLength(text) + 1;
    if (text.trim() === "") continue;
    const at = `${file}:${number}`;
    const { input, label, source = null, domain = null } = parse(text, at);
    const row = { label: label === undefined ? null : String(label), source, domain, done: Math.min(1, read / size) };
    yield { at, input: await inputOf(input, at, dirname(file)), ...row };
  }
  if (number === 0) throw new PackError(`${file}: it is empty`);
}

/** In characters; an image of some megabytes fits, a whole dataset in one array does not. */
const longestLine = 32 * 1024 * 1024;

async function* linesOf(handle: FileHandle, file: string): AsyncGenerator<string> {
  let number = 1;
  let rest = "";
  for await (const chunk of handle.createReadStream({ encoding: "utf8", autoClose: false })) {
    const text: string = number === 1 && rest === "" ? String(chunk).replace(/^\u{feff}/u, "") : String(chunk);
    if (rest.length + text.length > longestLine && !text.includes("\n")) {
      throw new PackError(`${file}:${number}: the line is longer than ${longestLine} characters: one input a line`);
    }
    const [first = "", ...others] = text.split("\n");
    const last = others.pop();
    rest += first;
    if (last === undefined) continue;
    for (const line of [rest, ...others]) {
      yield line;
      number += 1;
    }
    rest = last;
  }
  if (rest !== "") yield rest;
}

function parse(text: string, at: string): z.infer<typeof line> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PackError(`${at}: the line is not JSON: ${text.slice(0, 60)}`);
  }
  const parsed = line.safeParse(value, { error: inWords });
  if (parsed.success) return parsed.data;
  throw new PackError(`${at}: ${fieldErrors(parsed.error)}`);
}

async function inputOf(input: string | readonly number[], at: string, folder: string): Promise<RowInput> {
  if (typeof input === "string") {
    if (input.startsWith(pngPrefix)) return image(Buffer.from(input.slice(pngPrefix.length), "base64"), at);
    return await imageFile(resolve(folder, input), `${at}: input`);
  }
  const numbers = Float32Array.from(input);
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new PackError(`${at}: input[${bad}]: ${input[bad]} is not a finite number of 32 bits`);
  return { modality: "Vector", shape: [numbers.length], numbers };
}
