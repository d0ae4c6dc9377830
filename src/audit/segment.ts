import { jsonOf } from "../api/index.ts";
import { canonical, type Entry, entry } from "./entry.ts";

/** Largest text of a segment, bytes: a ConfigMap holds 1 MiB. */
export const segmentBytes = 512 * 1024;

export class SegmentError extends Error {
  override readonly name = "SegmentError";
}

/** Entries as they stand in a segment: one line of canonical JSON each. */
export function toLines(entries: readonly Entry[]): string {
  return entries.map((each) => `${canonical(each)}\n`).join("");
}

/**
 * Lines are canonical: what a hash does not cover, such as a field more, is not taken for part of the record.
 *
 * @throws {SegmentError} naming the line that is no entry, or not as `toLines` writes it
 */
export function parseLines(text: string): Entry[] {
  return text
    .split("\n")
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line !== "")
    .map(({ line, number }) => {
      const parsed = entry.safeParse(jsonOf(line));
      if (!parsed.success) throw new SegmentError(`line ${number} is not an audit entry: ${line.slice(0, 80)}`);
      if (canonical(parsed.data) !== line) {
        throw new SegmentError(`line ${number} is not an audit entry as it was written: ${line.slice(0, 80)}`);
      }
      return parsed.data;
    });
}

/** What is to be done with a segment so that it holds the entries. */
export type Appended =
  /** They are all there: a write whose answer was lost is not repeated. */
  | { readonly kind: "There" }
  | { readonly kind: "Append"; readonly text: string }
  /** It has no room for those that are left: they go into the next segment. */
  | { readonly kind: "Next"; readonly left: readonly Entry[] };

/**
 * Adds entries to the text of a segment, once.
 *
 * @param text     the segment as it is, "" when there is none yet
 * @param entries  entries in their order
 */
export function appendTo(text: string, entries: readonly Entry[]): Appended {
  const last = parseLines(lastLine(text)).at(-1)?.seq ?? 0;
  const missing = entries.filter(({ seq }) => seq > last);
  if (missing.length === 0) return { kind: "There" };
  // An editor may have taken off the end of the last line.
  const whole = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const lines = toLines(missing);
  if (whole !== "" && Buffer.byteLength(whole) + Buffer.byteLength(lines) > segmentBytes) {
    return { kind: "Next", left: missing };
  }
  return { kind: "Append", text: whole + lines };
}

function lastLine(text: string): string {
  const end = text.trimEnd();
  return end.slice(end.lastIndexOf("\n") + 1);
}
