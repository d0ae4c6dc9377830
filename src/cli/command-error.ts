/** How a command for people ends. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  verificationFailed: 5,
  timedOut: 6,
  unreachable: 7,
} as const;

export type ExitCode = keyof typeof exitCodes;

/** Ends a command with a sentence that says what, why and what to do, and with an exit code. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;

  constructor(how: Exclude<ExitCode, "done">, message: string) {
    super(message);
    this.exitCode = exitCodes[how];
  }
}
