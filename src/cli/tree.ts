import { stripVTControlCharacters } from "node:util";

/** A line with what hangs below it. */
export interface Branch {
  readonly text: string;
  readonly below?: readonly Branch[];
}

/** The lines of a tree: the root at the margin, branches drawn below it. */
export function treeLines({ text, below = [] }: Branch): string[] {
  return [text, ...draw(below, "")];
}

function draw(branches: readonly Branch[], indent: string): string[] {
  return branches.flatMap(({ text, below = [] }, index) => {
    const last = index === branches.length - 1;
    return [`${indent}${last ? "└─ " : "├─ "}${text}`, ...draw(below, `${indent}${last ? "   " : "│  "}`)];
  });
}

/** Texts as columns, each as wide as its widest; `width` measures without colours. */
export function columns(rows: readonly (readonly string[])[], width = visibleWidth): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, index) => Math.max(width(cell), most[index] ?? 0)).concat(most.slice(row.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd(),
  );
}

function visibleWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}
