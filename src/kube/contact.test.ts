import { describe, expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import { type Contact, contactLog } from "./contact.ts";
import { KubeError, type KubeErrorKind } from "./error.ts";

const server = new URL("https://10.0.0.1:6443");

function started() {
  const clock = manualClock();
  const lines: string[] = [];
  const told = contactLog((level, message) => lines.push(`${level} ${message}`), clock);
  const tell = (error: KubeError | null, contact: Partial<Contact> = {}) =>
    told({ server, what: "list pods", write: false, sentAt: clock.monotonic(), error, ...contact });
  return { clock, lines, tell, taken: () => lines.splice(0) };
}

function fault(kind: KubeErrorKind, message: string, code?: string, status = 0): KubeError {
  const cause = code === undefined ? undefined : Object.assign(new Error(message), { code });
  return new KubeError(kind, `list pods: ${message}`, { status, cause });
}

const refused = () => fault("Unavailable", "connect ECONNREFUSED 10.0.0.1:6443", "ECONNREFUSED");
const forbidden = () => fault("Forbidden", 'User "x" cannot list resource "pods"', undefined, 403);

describe("an API server that does not answer", () => {
  it("is said with its address, the error and what to do, and once when it answers again", () => {
    const { clock, tell, taken } = started();
    tell(refused());
    expect(taken()).toEqual([
      "warn the API server https://10.0.0.1:6443/ does not answer: list pods: connect ECONNREFUSED 10.0.0.1:6443; " +
        "is it running, and may this process reach it (address, NetworkPolicy, firewall)?; trying on",
    ]);
    clock.advance(100);
    tell(null);
    tell(null);
    expect(taken()).toEqual(["info the API server https://10.0.0.1:6443/ answers again"]);
  });

  it("is said at doubling distance, up to ten minutes, however often it is tried", () => {
    const { clock, tell, taken } = started();
    const saidAt: number[] = [];
    for (let second = 0; second <= 3_000; second++) {
      tell(refused());
      if (taken().length > 0) saidAt.push(second);
      clock.advance(1_000);
    }
    expect(saidAt).toEqual([0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430]);
  });

  it("is said anew when it goes away again, and every ten seconds at most when it comes and goes", () => {
    const { clock, tell, taken } = started();
    for (let second = 0; second < 20; second++) {
      tell(refused());
      tell(null);
      clock.advance(1_000);
    }
    expect(taken().map((line) => line.slice(0, 4))).toEqual(["warn", "info", "warn", "info"]);
  });

  it.each<[string, KubeError, RegExp]>([
    [
      "a foreign certificate",
      fault("Unavailable", "self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"),
      /authority/,
    ],
    ["a name that is not found", fault("Unavailable", "getaddrinfo ENOTFOUND api", "ENOTFOUND"), /DNS/],
    ["no answer in time", fault("Timeout", "no answer within 30000 ms"), /NetworkPolicy/],
    ["a gateway in front of it", fault("Unavailable", "no explanation (503)", undefined, 503), /healthy/],
    ["a token that is not accepted", fault("Unauthorized", "Unauthorized (401)", undefined, 401), /token/],
  ])("is told apart: %s", (_, error, advice) => {
    const { tell, taken } = started();
    tell(error);
    const [line = ""] = taken();
    expect(line).toContain(`does not answer: ${error.message}`);
    expect(line).toMatch(advice);
  });

  it("is there when it has answered what was sent later, and when it answers with an error", () => {
    const { clock, tell, lines } = started();
    clock.advance(5_000);
    tell(null, { what: "get Lease x/y" });
    tell(fault("Timeout", "no answer for 5000 ms"), { sentAt: 0 });
    tell(fault("NotFound", "not found", undefined, 404));
    tell(fault("Timeout", "Too large resource version", undefined, 504));
    expect(lines).toEqual([]);
  });
});

describe("an API server that refuses", () => {
  it("is said once for all that is refused, and again when all of it is allowed", () => {
    const { clock, tell, taken } = started();
    tell(forbidden());
    tell(forbidden(), { what: "list jobs" });
    tell(null, { what: "get Lease x/y" });
    expect(taken()).toEqual([expect.stringMatching(/^warn .* refuses: list pods: User "x" cannot list .*Role/)]);
    clock.advance(5_000);
    tell(null);
    expect(taken()).toEqual([]);
    tell(null, { what: "list jobs" });
    expect(taken()).toEqual([expect.stringContaining("answers again")]);
  });

  it("is told from one that is down when a webhook fails a write, and is not taken for one that has come back", () => {
    const { clock, tell, taken } = started();
    const write = { what: "create Job x/y", write: true };
    tell(fault("Unavailable", "failed calling webhook (500)", undefined, 500), write);
    tell(null);
    expect(taken()).toEqual([expect.stringMatching(/ refuses: .*failed calling webhook .*webhooks/)]);
    tell(null, write);
    expect(taken()).toEqual([expect.stringContaining("answers again")]);
    clock.advance(10_000);
    tell(fault("Unavailable", "no explanation (503)", undefined, 503));
    tell(fault("Unavailable", "no explanation (503)", undefined, 503), write);
    expect(taken()).toEqual([expect.stringContaining("does not answer")]);
  });

  it("is not what later contacts fail of in another way, and is over when it was given up", () => {
    const { clock, tell, taken } = started();
    tell(fault("Forbidden", "exceeded quota", undefined, 403), { what: "create Job shop/run-1", write: true });
    expect(taken()).toEqual([expect.stringMatching(/ refuses: .*exceeded quota/)]);
    const lines: [seconds: number, string][] = [];
    for (let seconds = 30; seconds <= 1200; seconds += 30) {
      clock.advance(30_000);
      tell(null);
      tell(fault("Conflict", "the object has been modified", undefined, 409), { what: "replace Job x/y", write: true });
      tell(fault("NotFound", "leases x not found", undefined, 404), { what: "get Lease x" });
      for (const line of taken()) lines.push([seconds, line]);
    }
    expect(lines).toEqual([[600, expect.stringContaining("answers again")]]);
  });

  it("is said as long as it is tried", () => {
    const { clock, tell, taken } = started();
    const saidAt: number[] = [];
    for (let second = 0; second <= 3000; second += 30) {
      tell(forbidden());
      tell(null, { what: "get Lease x/y" });
      if (taken().some((line) => line.includes("refuses"))) saidAt.push(second);
      clock.advance(30_000);
    }
    expect(saidAt).toEqual([0, 30, 60, 120, 210, 390, 720, 1320, 1920, 2520]);
  });

  it("is not said of a server that is away, nor that of what it refused", () => {
    const { clock, tell, taken } = started();
    tell(forbidden());
    clock.advance(20_000);
    tell(refused(), { what: "list jobs" });
    clock.advance(20_000);
    tell(fault("Unavailable", "failed calling webhook (500)", undefined, 500), { what: "create Job x/y", write: true });
    expect(taken().map((line) => /does not answer|refuses/.exec(line)?.[0])).toEqual(["refuses", "does not answer"]);
  });

  it("is said after an outage, as what is left of it", () => {
    const { clock, tell, taken } = started();
    tell(refused());
    clock.advance(60_000);
    tell(forbidden());
    expect(taken().map((line) => /does not answer|refuses/.exec(line)?.[0])).toEqual(["does not answer", "refuses"]);
  });
});
