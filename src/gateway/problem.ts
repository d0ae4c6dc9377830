import type { ServerResponse } from "node:http";
import type { Protocol } from "./protocols/index.ts";

/** An answer of the gateway itself, as a problem document (RFC 9457). */
export type Problem = {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly headers?: readonly string[];
  /** Besides: where clients of a protocol look for the reason (RFC 9457, 3.2 allows more members). */
  readonly errorFields?: Protocol["errorFields"] | null;
};

/** Answers with a problem; an answer that has begun is broken off instead, so that nobody takes a part for the whole. */
export function answerProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, title, detail, headers = [], errorFields } = problem;
  const body = Buffer.from(
    JSON.stringify({ type: "about:blank", title, status, detail, ...errorFields?.({ status, title, detail }) }),
  );
  response.writeHead(status, [
    "content-type",
    "application/problem+json",
    "content-length",
    String(body.length),
    ...headers,
  ]);
  response.end(body);
}
