/** One line of JSON: what a cluster's log collector reads. */
export function log(
  level: "info" | "warn" | "error",
  message: string,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...facts })}\n`);
}
