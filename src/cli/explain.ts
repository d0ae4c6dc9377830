import { CommanderError } from "commander";
import { CommandError, exitCodes } from "./command-error.ts";

/** What the terminal is told of an error, and how the process ends. */
export interface Explanation {
  /** One line: what, why, and what to do. Empty when it has been said already. */
  readonly message: string;
  readonly exitCode: number;
}

export function explain(error: unknown): Explanation {
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof CommanderError) {
    // Commander has printed it. Help and version are no errors; everything else is wrong usage.
    return { message: "", exitCode: error.exitCode === 0 ? exitCodes.done : exitCodes.usage };
  }
  if (isKubeError(error)) {
    if (isUnknownKind(error))
      return { message: `${oneLine(error.message)}; ${withoutKinds}`, exitCode: exitCodes.unreachable };
    return { message: withAdvice(error), exitCode: kubeExitCode(error.kind) };
  }
  const message = error instanceof Error ? error.message : String(error);
  const unreachable = error instanceof Error && error.name === "NoCluster";
  return { message: oneLine(message), exitCode: unreachable ? exitCodes.unreachable : exitCodes.failed };
}

/** By name and not by class: loading src/kube would cost every `--help` its time. */
function isKubeError(error: unknown): error is Error & { kind: string } {
  return error instanceof Error && error.name === "KubeError" && "kind" in error && typeof error.kind === "string";
}

/** An API server tells an object that is not there by a Status, and a kind that it does not know by its page of text. */
function isUnknownKind({ kind, message }: { kind: string; message: string }): boolean {
  return kind === "NotFound" && message.includes("404 page not found");
}

const withoutKinds = "are evenkeel's CRDs installed in this cluster?";

function kubeExitCode(kind: string): number {
  switch (kind) {
    case "NotFound":
      return exitCodes.notFound;
    case "Timeout":
      return exitCodes.timedOut;
    case "Unavailable":
      return exitCodes.unreachable;
    case "Forbidden":
    case "Unauthorized":
    case "Invalid":
    case "Conflict":
    case "FieldConflict":
    case "AlreadyExists":
    case "NamespaceTerminating":
      return exitCodes.refused;
    default:
      return exitCodes.failed;
  }
}

const advice: Readonly<Record<string, string>> = {
  Unauthorized: "log in to the cluster again",
  Forbidden: "ask for the ClusterRole evenkeel-edit, or evenkeel-view to read",
  Conflict: "it changed meanwhile: try again",
  Unavailable: "is the cluster reachable? Look at --context and --kubeconfig",
  Timeout: "is the cluster reachable? Look at --context and --kubeconfig",
};

function withAdvice(error: Error & { kind: string }): string {
  const hint = advice[error.kind];
  return oneLine(error.message) + (hint ? `; ${hint}` : "");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}
