import type { Artefact } from "./artefact.ts";
import { datasetFileNames } from "./dataset.ts";
import { filesBelow } from "./manifest.ts";

interface ArtefactFiles {
  /** Paths of what belongs to it. */
  readonly own: readonly string[];
  /** Paths of what lies there besides. */
  readonly strays: readonly string[];
}

/** What desktops leave in a folder. */
const desktopFiles: ReadonlySet<string> = new Set(["Thumbs.db", "desktop.ini"]);

/**
 * Tells an artefact's files from those that lie in its folder by chance and would change its digest. A foreign model may
 * bring files of any name, so only hidden ones and those of desktops are told there.
 *
 * @throws {StoreError} Corrupt, for what is neither a file nor a folder, such as a symbolic link
 */
export async function artefactFiles(folder: string, kind: Artefact["kind"]): Promise<ArtefactFiles> {
  const { own = [], strays = [] } = Object.groupBy(await filesBelow(folder), (path) =>
    belongs(path, kind) ? "own" : "strays",
  );
  return { own, strays };
}

function belongs(path: string, kind: Artefact["kind"]): boolean {
  if (kind === "Dataset") return datasetFileNames.includes(path);
  const parts = path.split("/");
  return !parts.some((part) => part.startsWith(".") || part === "__MACOSX" || desktopFiles.has(part));
}
