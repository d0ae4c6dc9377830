import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { jsonOf } from "../api/index.ts";
import type { Runs } from "./contract.ts";

interface Parser<Result> {
  safeParse: (value: unknown) => { readonly success: true; readonly data: Result } | { readonly success: false };
}

/** Everything that is asked of a run, hashed: a run that is made anew under an old name may be asked something else. */
export function requestIdentity(request: object): string {
  return createHash("sha256")
    .update(canonicalize(request) ?? "")
    .digest("hex");
}

type Asked = { readonly run: string };

/** @returns the result that the run has stored of this request; null when there is none that can be read, or of another */
export async function storedResult<Result>(
  runs: Runs,
  request: Asked,
  file: string,
  parser: Parser<Result>,
): Promise<Result | null> {
  const bytes = await runs.read(request.run, file);
  // Doing the work again is always right: what cannot be read must not end the run.
  const stored = bytes === null ? null : jsonOf(new TextDecoder().decode(bytes));
  if (typeof stored !== "object" || stored === null || !("identity" in stored) || !("result" in stored)) return null;
  if (stored.identity !== requestIdentity(request)) return null;
  const parsed = parser.safeParse(stored.result);
  return parsed.success ? parsed.data : null;
}

export async function storeResult(runs: Runs, request: Asked, file: string, result: object): Promise<void> {
  const text = JSON.stringify({ identity: requestIdentity(request), result });
  await runs.write(request.run, file, new TextEncoder().encode(text));
}
