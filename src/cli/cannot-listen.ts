import { CommandError } from "./command-error.ts";

export interface ListenOptions {
  /** Ports by the option that gives them. */
  readonly ports: Readonly<Record<`--${string}`, number>>;
  /** Value of `--host`, where there is such an option. */
  readonly host?: string;
}

/** Says in words what keeps a server from listening; any other error is given back as it is. */
export function cannotListen(error: unknown, { ports, host }: ListenOptions): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const wanted = "port" in error ? error.port : undefined;
  const [option, port] = Object.entries(ports).find(([, port]) => port === wanted) ?? [];
  switch (error.code) {
    case "EADDRINUSE":
      if (option === undefined) return error;
      return new CommandError("failed", `${option} ${port}: it is taken: choose another, or 0 for any free one`);
    case "EACCES":
      if (option === undefined) return error;
      return new CommandError("failed", `${option} ${port}: this user may not listen there: choose one from 1024 on`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      if (host === undefined) return error;
      return new CommandError("failed", `--host ${host}: it is no address of this machine`);
    default:
      return error;
  }
}
