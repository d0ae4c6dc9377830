/** What a text from outside says, for a schema to look at; null when there is none, or none that is JSON. */
export function jsonOf(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
