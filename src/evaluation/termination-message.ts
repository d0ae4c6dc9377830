import type { EvaluateResult, SentRow } from "../api/index.ts";

/** Bytes of a termination message, of the kubelet's 4096. */
const mostBytes = 2048;

/**
 * A result that fits into a termination message (decision 29). What is only for people goes first, as the report has it as
 * well: notes of measured gates, then names, which stand in the order of the request anyway, then all notes. The facts
 * always fit: without names a row has at most 100 bytes, as its numbers have six digits.
 *
 * @throws {RangeError} when it does not fit: a result that was cut off could not be read
 */
export function fitMessage(result: EvaluateResult): EvaluateResult {
  for (const shorten of [whole, withoutNotesOfMeasured, withoutNames, withoutNotes, withShortError]) {
    const short = shorten(result);
    if (fits(short)) return short;
  }
  throw new RangeError(`the result of ${result.gates.length} gates has more than ${mostBytes} bytes`);
}

function fits(result: EvaluateResult): boolean {
  return Buffer.byteLength(JSON.stringify(result)) <= mostBytes;
}

function whole(result: EvaluateResult): EvaluateResult {
  return result;
}

function withoutNotesOfMeasured(result: EvaluateResult): EvaluateResult {
  return { ...result, gates: result.gates.map(({ note, ...row }) => (row.value === null ? { ...row, note } : row)) };
}

function withoutNames(result: EvaluateResult): EvaluateResult {
  const gates = withoutNotesOfMeasured(result).gates.map((row) => ({ ...factsOf(row), note: row.note }));
  return { ...result, gates };
}

function withoutNotes(result: EvaluateResult): EvaluateResult {
  return { ...result, gates: result.gates.map(factsOf) };
}

function factsOf({ value, bound, p, n, needed }: SentRow): SentRow {
  return { value, bound, p, n, needed };
}

/** A message may be of any script, and is escaped. */
function withShortError({ error, ...result }: EvaluateResult): EvaluateResult {
  return { ...result, ...(error && { error: { ...error, message: error.message.slice(0, 300) } }) };
}
