import type { ApiWrite } from "./api-request.ts";
import type { FaultyProxy } from "./faulty-proxy.ts";

/**
 * A write as it can be found again in another run: verb, resource, name and the transition that it makes, for example
 * `apply evenkeel.dev/retrainings/status products-1a2b phase=Training`.
 */
export type KillPoint = string;

export interface Naming {
  /** The name without what differs between runs; default the name. */
  readonly name?: (name: string) => string;
  /** What a write of this sort changes; default the `status.phase` that it sets. */
  readonly transition?: (write: ApiWrite) => string;
}

/** Null for what is no decision: dry runs, leases, events, tokens. */
export function killPoint(
  write: ApiWrite,
  { name = (text) => text, transition = phase }: Naming = {},
): KillPoint | null {
  if (write.dryRun || ["leases", "events"].includes(write.resource) || write.subresource === "token") return null;
  const resource = [write.group, write.resource, write.subresource].filter((part) => part !== "").join("/");
  return [write.verb, resource, name(write.name), transition(write)].filter((part) => part !== "").join(" ");
}

/** Notes the kill points of the writes that succeed from now on, each once, in their order. */
export function recordKillPoints(proxy: FaultyProxy, naming?: Naming): { readonly points: readonly KillPoint[] } {
  const points = new Set<KillPoint>();
  proxy.hook({
    after: (write, { status }) => {
      const point = killPoint(write, naming);
      if (point !== null && status < 300) points.add(point);
      return "Continue";
    },
  });
  return {
    get points() {
      return [...points];
    },
  };
}

/**
 * Kills the writer right before the server sees the write, or right after it has done it and before the writer knows.
 * It strikes once, at the first write of that point.
 *
 * @param kill  resolves when the process is gone
 * @returns resolves when it has struck
 */
export function killAt(
  proxy: FaultyProxy,
  point: KillPoint,
  side: "Before" | "After",
  kill: () => Promise<unknown>,
  naming?: Naming,
): Promise<void> {
  return new Promise((resolve) => {
    let struck = false;
    const strike = async (write: ApiWrite) => {
      if (struck || killPoint(write, naming) !== point) return "Continue";
      struck = true;
      await kill();
      resolve();
      return "Drop";
    };
    proxy.hook({
      ...(side === "Before" ? { before: strike } : {}),
      ...(side === "After" ? { after: (write, { status }) => (status < 300 ? strike(write) : "Continue") } : {}),
    });
  });
}

function phase({ body }: ApiWrite): string {
  if (typeof body !== "object" || body === null || !("status" in body)) return "";
  const { status } = body;
  if (typeof status !== "object" || status === null || !("phase" in status)) return "";
  return `phase=${String(status.phase)}`;
}
