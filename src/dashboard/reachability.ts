import { type Clock, sleep, systemClock } from "../kube/index.ts";

/** That the cluster does not answer, since when, and what was heard last. */
export interface Outage {
  /** RFC 3339 */
  readonly since: string;
  readonly message: string;
}

export interface ReachabilityOptions {
  /** A small question to the cluster. @throws when it is not answered */
  readonly ask: () => Promise<void>;
  /** Told when an outage begins, and null when it is over. */
  readonly tell: (outage: Outage | null) => void;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

const askAgainMs = 2000;

/**
 * Tells an outage from a watch that merely broke: watches end all the time and are taken up again, and a quiet one does not
 * show for a minute that it is well again. So the first fault makes us ask, until there is an answer.
 *
 * @returns what to call with each fault of a watch
 */
export function reachability({ ask, tell, signal, clock = systemClock }: ReachabilityOptions): () => void {
  let asking = false;
  const untilAnswered = async (): Promise<void> => {
    let since: string | null = null;
    while (!signal.aborted) {
      try {
        await ask();
        if (since !== null) tell(null);
        return;
      } catch (error) {
        since ??= new Date(clock.now()).toISOString();
        tell({ since, message: error instanceof Error ? error.message : String(error) });
      }
      await sleep(askAgainMs, signal, clock).catch(() => {});
    }
  };
  return () => {
    if (asking) return;
    asking = true;
    void untilAnswered().finally(() => {
      asking = false;
    });
  };
}
