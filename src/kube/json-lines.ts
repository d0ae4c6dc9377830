/**
 * Cuts a byte stream into JSON values, one a line.
 *
 * Works on bytes until a line is whole, so that a character split over two chunks is not torn.
 *
 * @throws SyntaxError for a line that is not JSON, or when the stream ends in the middle of a line: the reader cannot
 *   know what it missed
 */
export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown[], void, undefined> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    const values: unknown[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      rest.push(chunk.subarray(start, end));
      const line = rest.length === 1 ? (rest[0] ?? empty) : Buffer.concat(rest);
      rest = [];
      start = end + 1;
      if (line.length > 0) values.push(JSON.parse(line.toString("utf8")));
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    yield values;
  }
  const left = rest.reduce((sum, part) => sum + part.length, 0);
  if (left > 0) throw new SyntaxError(`the stream ended in the middle of a line (${left} bytes)`);
}

const newline = 0x0a;
const empty = Buffer.alloc(0);
