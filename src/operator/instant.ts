/** An instant as the API has it: RFC 3339 in UTC, whole milliseconds. */
export function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** Milliseconds of Unix time. */
export function time(text: string): number {
  return Date.parse(text);
}
