import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { whyNotRead } from "../registry/index.ts";
import { imageFile } from "./image-input.ts";
import { PackError, type Row } from "./row.ts";

type Listed = { readonly file: string; readonly label: string | null };

/**
 * The PNG images of a folder: of label folders, `FOLDER/LABEL/NAME.png`, or right in it, without labels. By label and name,
 * so that the same files always give the same dataset.
 *
 * @throws {PackError} naming what is no PNG image or stands in the wrong place
 */
export async function* pngFolder(folder: string): AsyncGenerator<Row> {
  const files = await list(folder);
  let read = 0;
  for (const { file, label } of files) {
    const input = await imageFile(file);
    read += 1;
    yield { at: file, input, label, source: null, domain: null, done: read / files.length };
  }
}

async function list(folder: string): Promise<Listed[]> {
  const { folders, files } = await visible(folder);
  const [stray] = files;
  if (folders.length > 0 && stray !== undefined) {
    throw new PackError(`${join(folder, stray)}: it stands beside the label folder ${folders[0]}: put it into one`);
  }
  const listed: Listed[] = files.map((file) => ({ file: join(folder, file), label: null }));
  for (const label of folders) {
    const inside = await visible(join(folder, label));
    const [deeper] = inside.folders;
    if (deeper !== undefined)
      throw new PackError(`${join(folder, label, deeper)}: a label folder holds PNG files, no folders`);
    if (inside.files.length === 0) throw new PackError(`${join(folder, label)}: the label folder is empty`);
    listed.push(...inside.files.map((file) => ({ file: join(folder, label, file), label })));
  }
  if (listed.length === 0)
    throw new PackError(`${folder}: there is nothing in it: it must hold LABEL/NAME.png, or NAME.png`);
  return listed;
}

/** Without what begins with a dot, sorted by code units: the order must not depend on a locale. */
async function visible(folder: string): Promise<{ folders: string[]; files: string[] }> {
  const all = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new PackError(`${folder}: ${whyNotRead(error)}`);
  });
  const entries = all.filter(({ name }) => !name.startsWith("."));
  const odd = entries.find((entry) => !entry.isDirectory() && !entry.isFile() && !entry.isSymbolicLink());
  if (odd) throw new PackError(`${join(folder, odd.name)}: it is no file`);
  const names = (wanted: boolean): string[] =>
    entries.filter((entry) => entry.isDirectory() === wanted).map(({ name }) => name);
  return { folders: names(true).sort(), files: names(false).sort() };
}
