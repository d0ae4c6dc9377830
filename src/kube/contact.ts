import { type Clock, systemClock } from "./clock.ts";
import { isKubeError, type KubeError } from "./error.ts";

/** What came of one request to the API server, or of waiting for it so far. */
export interface Contact {
  readonly server: URL;
  /** What was tried: "list pods". */
  readonly what: string;
  readonly write: boolean;
  /** When it was sent, by the monotonic clock. */
  readonly sentAt: number;
  /** Null when it succeeded. */
  readonly error: KubeError | null;
}

/** What stands between this process and the API server. */
type Trouble = "None" | "Away" | "Refused";

/** What was heard of the API server, and what has been said of it. */
interface ContactState {
  readonly away: boolean;
  /** When what was last forbidden or could not be done, unless it has succeeded since. */
  readonly refused: ReadonlyMap<string, number>;
  readonly answeredAt: number;
  readonly said: Trouble;
  readonly saidAt: number;
  /** Least time until the next line about a trouble. */
  readonly pauseMs: number;
}

/** What a person should know now. */
type ContactNews = Exclude<Trouble, "None"> | "Back" | null;

const firstPauseMs = 10_000;
const longestPauseMs = 600_000;
/** More are not told apart. */
const mostRefused = 100;
/** What is still wanted is tried again by then; what was given up, as one Job of a quota, is no trouble for ever. */
const givenUpAfterMs = 600_000;

const nothingHeard: ContactState = {
  away: false,
  refused: new Map(),
  answeredAt: -Infinity,
  said: "None",
  saidAt: -Infinity,
  pauseMs: firstPauseMs,
};

/**
 * Takes in one contact: a trouble is news at once, then at doubling distance while contacts meet it; so is its end. One
 * that comes and goes is said every 10 s at most.
 *
 * @param now  by the monotonic clock
 */
function hear(before: ContactState, contact: Contact, now: number): { state: ContactState; news: ContactNews } {
  const met = troubleOf(contact, before);
  const heard = takeIn(before, contact, met, now);
  const trouble: Trouble = heard.away ? "Away" : heard.refused.size > 0 ? "Refused" : "None";
  const { said, saidAt, pauseMs } = heard;
  // What went well, or wrong in another way, tells nothing of a trouble that was met before.
  if (met !== "None" && met === trouble && now - saidAt >= (trouble === said ? pauseMs : firstPauseMs)) {
    const next = trouble === said ? Math.min(2 * pauseMs, longestPauseMs) : firstPauseMs;
    return { state: { ...heard, said: trouble, saidAt: now, pauseMs: next }, news: trouble };
  }
  const over = said === "Away" ? trouble !== "Away" : said === "Refused" && trouble === "None";
  return over ? { state: { ...heard, said: "None" }, news: "Back" } : { state: heard, news: null };
}

/** What this contact met. */
function troubleOf({ write, sentAt, error }: Contact, { answeredAt }: ContactState): Trouble {
  if (error === null) return "None";
  // A webhook that fails a write says nothing of the server itself; when that is down, reads tell.
  if (isKubeError(error, "Forbidden") || isFailedWrite(write, error)) return "Refused";
  // Something that was sent later has been answered: this one is late, and the server is there.
  return isAway(error) && sentAt >= answeredAt ? "Away" : "None";
}

function isFailedWrite(write: boolean, { kind, status }: KubeError): boolean {
  return write && kind === "Unavailable" && status > 0;
}

function takeIn(state: ContactState, { what, write, error }: Contact, met: Trouble, now: number): ContactState {
  const refused = new Map([...state.refused].filter(([, at]) => now - at < givenUpAfterMs));
  if (met === "Refused" && (refused.has(what) || refused.size < mostRefused)) refused.set(what, now);
  if (error && isFailedWrite(write, error)) return { ...state, refused };
  if (error && isAway(error)) return { ...state, refused, away: state.away || met === "Away" };
  if (met === "None") refused.delete(what);
  return { ...state, away: false, refused, answeredAt: now };
}

/** Whether nobody answered who could: no connection, no answer in time, an answer of 5xx, or an identity that is not known. */
function isAway({ kind, status }: KubeError): boolean {
  return kind === "Unauthorized" || kind === "Unavailable" || (kind === "Timeout" && status === 0);
}

/**
 * Whether a person who reads what `contactLog` says need not read this error too: it is part of a trouble that is said
 * there, or a matter of course that passes by itself.
 */
export function isOfContact(error: unknown): boolean {
  return isKubeError(error, "Unavailable", "Timeout", "Unauthorized", "Forbidden", "Expired", "TooManyRequests");
}

/**
 * Says when the API server does not answer or refuses, why, what to do, and when it answers again: give it to `connect`.
 */
export function contactLog(
  say: (level: "info" | "warn", message: string) => void,
  clock: Clock = systemClock,
): (contact: Contact) => void {
  let state = nothingHeard;
  return (contact) => {
    const heard = hear(state, contact, clock.monotonic());
    state = heard.state;
    const { server, error } = contact;
    if (heard.news === "Back") say("info", `the API server ${server.href} answers again`);
    else if (heard.news && error) {
      const trouble = heard.news === "Away" ? "does not answer" : "refuses";
      say("warn", `the API server ${server.href} ${trouble}: ${error.message}; ${adviceFor(error)}; trying on`);
    }
  };
}

/** What to do about an error that keeps a process from the API server. */
function adviceFor(error: KubeError): string {
  if (error.kind === "Unauthorized") return "does this ServiceAccount or user still exist, and is its token current?";
  if (error.kind === "Forbidden") return "this ServiceAccount or user needs a Role or ClusterRole that allows it";
  if (error.status > 0) return "is it healthy, and are the webhooks that it calls?";
  const code = codeOf(error);
  if (/CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL/.test(code)) {
    return "is the certificate-authority given the server's own, and does the server's name stand in its certificate?";
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "is the server's name right, and does DNS answer?";
  return "is it running, and may this process reach it (address, NetworkPolicy, firewall)?";
}

function codeOf({ cause }: KubeError): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
}
