/** Header lines as they were on the wire: name, value, name, value, in their order and case. */
export type HeaderLines = readonly string[];

/** Headers that belong to one connection and never pass a proxy (RFC 9110, section 7.6.1). */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export const modelHeader = "x-evenkeel-model";
export const anomalyHeader = "x-evenkeel-anomaly";
export const routeHeader = "x-evenkeel-route";

/** The line that names the model of an answer; none for "", when there is no model yet. */
export function modelLines(model: string): HeaderLines {
  return model === "" ? [] : [modelHeader, model];
}

/**
 * @param dropped  further names to leave out, in lower case
 * @returns the lines that pass on: without hop-by-hop headers and without those that `Connection` names
 */
export function forwardable(lines: HeaderLines, dropped: ReadonlySet<string>): string[] {
  const named = namedByConnection(lines);
  const kept: string[] = [];
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [name = "", value = ""] = [lines[i], lines[i + 1]];
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !dropped.has(lower) && !named?.has(lower)) kept.push(name, value);
  }
  return kept;
}

/** @returns the value of a header, its lines joined by a comma; null when there is none */
export function headerValue(lines: HeaderLines, name: string): string | null {
  const values: string[] = [];
  for (let i = 0; i + 1 < lines.length; i += 2) {
    if (lines[i]?.toLowerCase() === name) values.push(lines[i + 1] ?? "");
  }
  return values.length > 0 ? values.join(", ") : null;
}

function namedByConnection(lines: HeaderLines): ReadonlySet<string> | null {
  const connection = headerValue(lines, "connection");
  if (connection === null) return null;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}
