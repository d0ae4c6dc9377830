/** Why a call to the API server failed. */
export type KubeErrorKind =
  | "NotFound"
  | "AlreadyExists"
  /** The object changed (or was replaced) since it was read. */
  | "Conflict"
  /** Server-side apply without force met fields that another manager owns: see `fieldManagers`. */
  | "FieldConflict"
  | "Forbidden"
  | "Unauthorized"
  /** Nothing can be created: the namespace is being deleted. */
  | "NamespaceTerminating"
  | "Invalid"
  | "BadRequest"
  /** The object is larger than the server takes. */
  | "TooLarge"
  | "TooManyRequests"
  /** The resourceVersion or continue token is too old: list again. */
  | "Expired"
  | "Timeout"
  /** The server could not be reached, broke off, or answered 5xx. Whether a write happened is unknown. */
  | "Unavailable"
  /** The object from the server does not fit the type it should have. */
  | "Unparseable"
  /** The caller's signal was aborted. */
  | "Aborted"
  /** Leadership was lost, or would be before the write could end: nothing was sent. */
  | "Fenced"
  | "Other";

export interface ErrorCause {
  /** Machine-readable, as the server gave it: "FieldValueInvalid", "FieldManagerConflict", ... */
  readonly reason: string;
  /** JSON path of the field, "" when the cause has none. */
  readonly field: string;
  readonly message: string;
}

export interface KubeErrorDetails {
  /** HTTP status; 0 when there was no answer. */
  readonly status?: number;
  readonly causes?: readonly ErrorCause[];
  /** Milliseconds that the server asked us to wait. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

const retryableKinds: ReadonlySet<KubeErrorKind> = new Set([
  "Conflict",
  "TooManyRequests",
  "Expired",
  "Timeout",
  "Unavailable",
] as const);

export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly kind: KubeErrorKind;
  readonly status: number;
  readonly causes: readonly ErrorCause[];
  readonly retryAfter: number | null;
  /** FieldConflict only: who owns the fields that the apply asked for. */
  readonly fieldManagers: readonly string[];

  constructor(kind: KubeErrorKind, message: string, details: KubeErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.status = details.status ?? 0;
    this.causes = details.causes ?? [];
    this.retryAfter = details.retryAfter ?? null;
    this.fieldManagers = kind === "FieldConflict" ? managersOf(this.causes) : [];
  }

  /** Whether observing anew and trying again can help without anybody changing anything. */
  get retryable(): boolean {
    return retryableKinds.has(this.kind);
  }
}

export function isKubeError(error: unknown, ...kinds: readonly KubeErrorKind[]): error is KubeError {
  return error instanceof KubeError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** The fields of `metav1.Status` that say what happened. */
interface Status {
  reason?: string;
  message?: string;
  code?: number;
  details?: { causes?: { reason?: string; field?: string; message?: string }[]; retryAfterSeconds?: number };
}

/**
 * The error in an answer of the API server, or in an ERROR event of a watch.
 *
 * @param status  HTTP status; for a watch event 0, then the Status object's own code counts
 * @param body    the decoded JSON when it is a Status, else the text
 * @param what    what was tried, for the message: "get Pod x/y"
 * @param retryAfterHeader  the header's seconds
 */
export function errorFromStatus(status: number, body: unknown, what: string, retryAfterHeader?: string): KubeError {
  const details = isStatus(body) ? body : {};
  const code = status || details.code || 0;
  const causes = (details.details?.causes ?? []).map((cause) => ({
    reason: cause.reason ?? "",
    field: cause.field ?? "",
    message: cause.message ?? "",
  }));
  const seconds = details.details?.retryAfterSeconds ?? Number(retryAfterHeader ?? Number.NaN);
  const message = details.message ?? (typeof body === "string" && body !== "" ? body.slice(0, 500) : "no explanation");
  return new KubeError(kindOf(code, details.reason ?? "", causes), `${what}: ${message} (${code})`, {
    status: code,
    causes,
    ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfter: seconds * 1000 } : {}),
  });
}

function kindOf(code: number, reason: string, causes: readonly ErrorCause[]): KubeErrorKind {
  if (causes.some((cause) => cause.reason === "NamespaceTerminating")) return "NamespaceTerminating";
  if (causes.some((cause) => cause.reason === "FieldManagerConflict")) return "FieldConflict";
  // A watch from a version that this server has not seen yet: it will, so wait.
  if (causes.some((cause) => cause.reason === "ResourceVersionTooLarge")) return "Timeout";
  if (reason === "AlreadyExists") return "AlreadyExists";
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 413:
      return "TooLarge";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 408:
    case 504:
      return "Timeout";
    default:
      return code >= 500 ? "Unavailable" : "Other";
  }
}

/** The manager's name is only in the text: `conflict with "helm" using apps/v1` (see managedfields/internal/conflict.go). */
function managersOf(causes: readonly ErrorCause[]): string[] {
  const names = causes.flatMap(({ message }) => /^conflict with "((?:[^"\\]|\\.)*)"/.exec(message)?.[1] ?? []);
  return [...new Set(names)];
}

function isStatus(body: unknown): body is Status {
  return typeof body === "object" && body !== null && "kind" in body && body.kind === "Status";
}
