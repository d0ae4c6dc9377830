import { Agent, errors, request } from "undici";
import { z } from "zod";
import { jsonOf } from "../api/index.ts";
import type { SourceFault } from "./verdict.ts";

export type Sample = {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** ms of Unix time */
  readonly at: number;
};

export type Fault = { readonly kind: "SourceError"; readonly reason: SourceFault; readonly message: string };
export type Answer = { readonly kind: "Vector"; readonly samples: readonly Sample[] } | Fault;
export type Series = { readonly labels: Readonly<Record<string, string>>; readonly points: readonly Point[] };
export type Point = { readonly at: number; readonly value: number };
export type RangeAnswer = { readonly kind: "Matrix"; readonly series: readonly Series[] } | Fault;

/** A Prometheus, or anything that speaks its HTTP API. Asking never throws: what went wrong is an answer. */
export type Prometheus = {
  /**
   * @param at        instant of the evaluation, ms of Unix time
   * @param lookback  samples older than this many ms do not count
   */
  query(promql: string, at: number, lookback: number): Promise<Answer>;
  queryRange(promql: string, range: { from: number; to: number; step: number }): Promise<RangeAnswer>;
  close(): Promise<void>;
};

export type PrometheusSettings = {
  /** Base URL, such as http://prometheus.monitoring:9090 or one with a path prefix. */
  readonly url: string;
  /** CA certificate in PEM, for https. */
  readonly ca?: string;
  /** Value of the Authorization header. */
  readonly authorization?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Time for the whole answer in ms, 10 s unless told. */
  readonly timeout?: number;
};

/** Answers larger than this are refused (decision 40). */
export const largestAnswer = 1024 * 1024;

/**
 * A client of the instant and range query API. Redirects are not followed and answers of more than 1 MB are not read
 * (decision 40).
 *
 * @throws {TypeError} when the URL is none
 */
export function prometheusClient(settings: PrometheusSettings): Prometheus {
  const base = new URL(settings.url.endsWith("/") ? settings.url : `${settings.url}/`);
  const agent = new Agent({ connect: settings.ca === undefined ? {} : { ca: settings.ca } });
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    accept: "application/json",
    ...settings.headers,
    ...(settings.authorization === undefined ? {} : { authorization: settings.authorization }),
  };

  const ask = async (path: string, parameters: Record<string, string>): Promise<Data | Fault> => {
    const timeout = settings.timeout ?? 10_000;
    try {
      const { statusCode, body } = await request(new URL(path, base), {
        method: "POST",
        headers,
        body: new URLSearchParams(parameters).toString(),
        dispatcher: agent,
        signal: AbortSignal.timeout(timeout),
      });
      const text = await readWithin(body, largestAnswer);
      if (text === null) return fault("TooLarge", `the answer has more than ${largestAnswer} bytes`);
      return parseAnswer(statusCode, text);
    } catch (error) {
      return faultOf(error, timeout);
    }
  };

  return {
    async query(promql, at, lookback) {
      const data = await ask("api/v1/query", {
        query: promql,
        time: seconds(at),
        lookback_delta: seconds(lookback),
      });
      return data.kind === "SourceError" ? data : instantAnswer(data);
    },
    async queryRange(promql, { from, to, step }) {
      const data = await ask("api/v1/query_range", {
        query: promql,
        start: seconds(from),
        end: seconds(to),
        step: seconds(step),
      });
      return data.kind === "SourceError" ? data : rangeAnswer(data);
    },
    close: () => agent.close(),
  };
}

const number = z.string().transform((text, context) => {
  const value = parseNumber(text);
  if (value === null) context.issues.push({ code: "custom", message: `${text} is not a number`, input: text });
  return value ?? Number.NaN;
});
const point = z.tuple([z.number(), number]).transform(([at, value]) => ({ at: at * 1000, value }));
const labels = z.record(z.string(), z.string());
const resultData = z.discriminatedUnion("resultType", [
  z.object({ resultType: z.literal("vector"), result: z.array(z.object({ metric: labels, value: point })) }),
  z.object({ resultType: z.literal("matrix"), result: z.array(z.object({ metric: labels, values: z.array(point) })) }),
  z.object({ resultType: z.literal("scalar"), result: point }),
  z.object({ resultType: z.literal("string"), result: z.unknown() }),
]);
const success = z.object({ status: z.literal("success"), data: resultData, warnings: z.array(z.string()).default([]) });
const failure = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

type Data = { readonly kind: "Data"; readonly data: z.infer<typeof resultData> };

/** Prometheus writes numbers as text, with the words NaN, +Inf and -Inf. */
function parseNumber(text: string): number | null {
  if (text === "NaN") return Number.NaN;
  if (text === "+Inf" || text === "Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : null;
}

function parseAnswer(status: number, text: string): Data | Fault {
  if (status >= 300 && status < 400) return fault("Redirected", `status ${status}: redirects are not followed`);
  const body = jsonOf(text);
  if (status < 200 || status >= 300) {
    const said = failure.safeParse(body);
    const message = said.success ? `status ${status}: ${said.data.errorType}: ${said.data.error}` : `status ${status}`;
    // 400 and 422 are said of the query itself: asking again brings the same.
    return fault(said.success && (status === 400 || status === 422) ? "BadQuery" : "HttpError", message);
  }
  const parsed = success.safeParse(body);
  if (!parsed.success) return fault("Malformed", `not an answer of a Prometheus: ${z.prettifyError(parsed.error)}`);
  const { warnings, data } = parsed.data;
  if (warnings.length > 0) return fault("Partial", `the answer may be incomplete: ${warnings.join("; ")}`);
  return { kind: "Data", data };
}

function instantAnswer({ data }: Data): Answer {
  switch (data.resultType) {
    case "vector":
      return {
        kind: "Vector",
        samples: data.result.map(({ metric, value }) => ({ labels: metric, value: value.value, at: value.at })),
      };
    case "scalar":
      return { kind: "Vector", samples: [{ labels: {}, value: data.result.value, at: data.result.at }] };
    case "matrix":
    case "string":
      return fault("NotAVector", `the query gives a ${data.resultType}, it must give one number`);
    default:
      return data satisfies never;
  }
}

function rangeAnswer({ data }: Data): RangeAnswer {
  if (data.resultType !== "matrix") return fault("Malformed", `a range query gave a ${data.resultType}`);
  return { kind: "Matrix", series: data.result.map(({ metric, values }) => ({ labels: metric, points: values })) };
}

/** @returns the text, or null when it is longer than allowed: the rest is not read */
async function readWithin(
  body: AsyncIterable<Uint8Array> & { destroy(): unknown },
  bytes: number,
): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bytes) {
      body.destroy();
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function faultOf(error: unknown, timeout: number): Fault {
  if (!(error instanceof Error)) return fault("Unreachable", String(error));
  const timedOut =
    error.name === "TimeoutError" ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError;
  return timedOut ? fault("TimedOut", `no whole answer within ${timeout} ms`) : fault("Unreachable", describe(error));
}

/** An AggregateError, as of a refused connection to a name with two addresses, has its words in its parts. */
function describe(error: Error): string {
  const parts = error instanceof AggregateError ? error.errors : [];
  const inner = parts.map((part: unknown) => (part instanceof Error ? part.message : String(part)));
  return [error.message, ...inner].filter((text) => text !== "").join(": ");
}

function fault(reason: SourceFault, message: string): Fault {
  return { kind: "SourceError", reason, message };
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
