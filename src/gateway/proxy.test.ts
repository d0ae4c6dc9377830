import { once } from "node:events";
import { Agent, request } from "node:http";
import { request as secureRequest, Agent as TlsAgent } from "node:https";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { waitFor } from "../../test/harness/wait.ts";
import {
  answering,
  digest,
  RawClient,
  type Rig,
  readBody,
  serve,
  startRig,
  type TestServer,
} from "../../test/integration/gateway/rig.ts";
import { seededRandom } from "../monitor/index.ts";
import { first } from "./certificate.fixture.ts";
import type { Guard } from "./guard.ts";

const certificate = { ...first, notAfter: new Date(0) };

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

async function started<Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part> {
  const begun = await part;
  open.push(begun);
  return begun;
}
const server = (...args: Parameters<typeof serve>): Promise<TestServer> => started(serve(...args));
const rig = (...args: Parameters<typeof startRig>): Promise<Rig> => started(startRig(...args));

type Answer = { status: number; headers: Record<string, unknown>; rawHeaders: string[]; body: Buffer };

/** Sends a request with Node's own client; the body may come in pieces. */
async function send(
  port: number,
  options: {
    path?: string;
    method?: string;
    headers?: Record<string, string>;
    body?: Buffer | Buffer[];
    agent?: Agent;
  } = {},
): Promise<Answer> {
  const { path = "/v1/embeddings", method = "POST", headers = {}, body, agent } = options;
  const outgoing = request({ port, host: "127.0.0.1", path, method, headers, ...(agent ? { agent } : {}) });
  const answered = once(outgoing, "response");
  answered.catch(() => {});
  if (Array.isArray(body)) for (const chunk of body) outgoing.write(chunk);
  outgoing.end(Array.isArray(body) ? undefined : body);
  const [response] = await answered;
  const { statusCode: status, rawHeaders } = response;
  return { status, headers: response.headers, rawHeaders, body: await readBody(response) };
}

/** Whatever was sent to the gateway before has come to it when a request that was made afterwards is answered. */
async function roundTrip(port: number): Promise<void> {
  await send(port, { path: "/other", body: Buffer.from("{}") });
}

/** As a client does that reads nothing before its request is out. */
async function sendWhole(port: number, body: Buffer): Promise<{ status: number; body: Buffer }> {
  const outgoing = request({ port, host: "127.0.0.1", path: "/v1/embeddings", method: "POST" });
  const answered = once(outgoing, "response");
  outgoing.end(body);
  await once(outgoing, "finish");
  const [response] = await answered;
  return { status: response.statusCode, body: await readBody(response) };
}

/** Makes the proxy wait for whole requests. */
const neverScoring: Guard = {
  mode: "Tag",
  maxDelay: 500,
  maxBytes: 2_000_000,
  begin: () => ({ judge: () => Promise.resolve({ kind: "Unscored", reason: "" }), cancel: () => {} }),
};

const json = { "content-type": "application/json" };
const echo = (): Promise<TestServer> =>
  server(
    answering((body, _incoming, response) => {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      response.end(body);
    }),
  );

describe("bytes pass untouched", () => {
  it("whatever they are and however they are cut, in both directions", async () => {
    const seen: Buffer[] = [];
    const { uniform: random } = seededRandom(7);
    const upstream = await server(
      answering(async (body, _incoming, response) => {
        seen.push(body);
        response.writeHead(200, { "content-type": "application/octet-stream" });
        for (let from = 0; from < body.length; ) {
          const to = from + 1 + Math.floor(random() * 50_000);
          response.write(body.subarray(from, to));
          if (random() < 0.3) await setImmediate();
          from = to;
        }
        response.end();
      }),
    );
    const { port, counts } = await rig([upstream.port]);
    for (let round = 0; round < 40; round++) {
      const size = Math.floor(random() ** 3 * 400_000);
      const body = Buffer.from(Uint8Array.from({ length: size }, () => Math.floor(random() * 256)));
      const pieces: Buffer[] = [];
      for (let from = 0; from < size; ) {
        const to = from + 1 + Math.floor(random() * 70_000);
        pieces.push(body.subarray(from, to));
        from = to;
      }
      const path = round % 3 === 0 ? "/other" : "/v1/embeddings";
      const answer = await send(port, { path, body: round % 2 === 0 ? pieces : body });
      expect(answer.status).toBe(200);
      expect(seen.at(-1)?.equals(body)).toBe(true);
      expect(answer.body.equals(body)).toBe(true);
    }
    expect(counts.inFlight).toBe(0);
    expect(counts.codes).toHaveLength(40);
  });

  it("observes a copy of the exchange after the answer", async () => {
    const upstream = await echo();
    const { port, counts } = await rig([upstream.port]);
    await send(port, { body: Buffer.from("abc"), headers: { "x-client": "shop-7" } });
    await waitFor("the exchange", () => counts.exchanges.length === 1);
    expect(counts.exchanges[0]).toMatchObject({ status: 200, client: "shop-7", pool: "stable" });
    expect(counts.exchanges[0]?.request?.toString()).toBe("abc");
    expect(counts.exchanges[0]?.answer?.toString()).toBe("abc");
    await send(port, { path: "/health", method: "GET" });
    expect(counts.exchanges).toHaveLength(1);
  });

  it("passes status, headers and query, but nothing that belongs to one connection", async () => {
    const upstream = await server((incoming, response) => {
      response.writeHead(
        418,
        "I'm a teapot",
        [
          ["X-Case-Kept", "yes"],
          ["Set-Cookie", "a=1"],
          ["Set-Cookie", "b=2"],
          ["Connection", "x-private"],
          ["x-private", "of this connection"],
          ["x-evenkeel-model", "a lie"],
          ["x-seen", JSON.stringify({ url: incoming.url, headers: incoming.headers })],
        ].flat(),
      );
      response.end("short");
    });
    const { port } = await rig([upstream.port]);
    const answer = await send(port, {
      path: "/v1/embeddings?x=%2F",
      body: Buffer.from("{}"),
      headers: {
        ...json,
        connection: "close, x-hop",
        "x-hop": "1",
        te: "trailers",
        "x-kept": "1",
        "x-forwarded-for": "10.0.0.9",
      },
    });
    expect(answer.status).toBe(418);
    expect(answer.rawHeaders).toContain("X-Case-Kept");
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(answer.headers).not.toHaveProperty("x-private");
    expect(answer.headers["x-evenkeel-model"]).toBe(digest);
    const { url, headers } = JSON.parse(String(answer.headers["x-seen"]));
    expect(url).toBe("/v1/embeddings?x=%2F");
    expect(headers).toMatchObject({
      "x-kept": "1",
      "x-forwarded-for": "10.0.0.9, 127.0.0.1",
      host: `127.0.0.1:${port}`,
    });
    expect(headers).not.toHaveProperty("x-hop");
    expect(headers).not.toHaveProperty("te");
  });

  it("streams an answer while it is being made", async () => {
    let finish = (): void => {};
    const upstream = await server((incoming, response) => {
      incoming.resume();
      response.writeHead(200);
      response.write("first");
      finish = () => response.end("last");
    });
    const { port } = await rig([upstream.port]);
    const client = new RawClient(port);
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
    await waitFor("the first piece", () => client.text.includes("first"));
    expect(client.text).not.toContain("last");
    finish();
    await waitFor("the last piece", () => client.text.endsWith("0\r\n\r\n"));
    client.socket.destroy();
  });

  it("keeps the connections on both sides", async () => {
    const upstream = await echo();
    let connections = 0;
    upstream.server.on("connection", () => connections++);
    const { port } = await rig([upstream.port]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 10; i++) await send(port, { body: Buffer.from("x"), agent });
    agent.destroy();
    expect(connections).toBe(1);
  });

  it("answers Expect: 100-continue itself", async () => {
    const upstream = await echo();
    const { port } = await rig([upstream.port]);
    const client = new RawClient(port);
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    await waitFor("100 Continue", () => client.text.startsWith("HTTP/1.1 100 Continue"));
    client.socket.write("hello");
    await waitFor("the answer", () => client.text.includes("hello"));
    expect(client.text).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
    client.socket.destroy();
  });
});

describe("faults", () => {
  it("10 MB body: it passes whole, and is too large to be copied", async () => {
    const upstream = await echo();
    const { port, counts } = await rig([upstream.port]);
    const body = Buffer.alloc(10 * 1024 * 1024, "0123456789abcdef");
    const answer = await send(port, { body });
    expect(answer.body.equals(body)).toBe(true);
    await waitFor("the exchange", () => counts.exchanges.length === 1);
    expect(counts.exchanges[0]).toMatchObject({ request: null, answer: null });
  });

  it.each([
    ["announced", { "content-length": "2000" }],
    ["in chunks", {}],
  ])("too large a body, %s: 413, and the pod is left alone", async (_, headers) => {
    const upstream = await echo();
    const { port } = await rig([upstream.port], { limits: { maxBodyBytes: 1000, wholeBytes: 10 } });
    const answer = await send(port, { headers, body: [Buffer.alloc(2000)] });
    expect(answer.status).toBe(413);
    expect(answer.headers["x-evenkeel-model"]).toBe(digest);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
  });

  it("a pod that answers before it has the whole request and closes: its answer is passed on", async () => {
    const body = "the pod takes at most 8 MB";
    const upstream = await server((incoming, response) => {
      incoming.once("data", () => {
        response.writeHead(413, { connection: "close", "content-length": String(body.length) });
        response.end(body, () => incoming.socket.destroy());
      });
    });
    const { port, counts } = await rig([upstream.port]);
    for (let round = 0; round < 20; round++) {
      const answer = await sendWhole(port, Buffer.alloc(9 * 1024 * 1024));
      expect({ status: answer.status, body: answer.body.toString() }).toEqual({ status: 413, body });
    }
    expect(counts.failures).toEqual([]);
  });

  it("a pod that closes before it has the whole request, without an answer: 502", async () => {
    const upstream = await server((incoming) => {
      incoming.once("data", () => incoming.socket.destroy());
    });
    const { port, counts } = await rig([upstream.port]);
    for (let round = 0; round < 5; round++) {
      expect((await sendWhole(port, Buffer.alloc(9 * 1024 * 1024))).status).toBe(502);
    }
    expect(new Set(counts.failures)).toEqual(new Set(["reset"]));
  });

  it("a route for documents: the pod is asked without the prefix, and the request is one for embeddings", async () => {
    const paths: (string | undefined)[] = [];
    const upstream = await server(
      answering((_body, incoming, response) => {
        paths.push(incoming.url);
        response.end("[]");
      }),
    );
    const documents: boolean[] = [];
    const { port, counts } = await rig([upstream.port], {
      route: (key, [pod]) => {
        documents.push(key.documents);
        return pod
          ? { kind: "To", pool: "stable", upstream: pod }
          : { kind: "Nowhere", pool: "stable", model: "", no: { title: "", detail: "" } };
      },
    });
    for (const path of ["/documents/v1/embeddings?a=1", "/v1/embeddings"]) {
      expect((await send(port, { path, body: Buffer.from("{}") })).status).toBe(200);
    }
    expect(paths).toEqual(["/v1/embeddings?a=1", "/v1/embeddings"]);
    expect(documents).toEqual([true, false]);
    await waitFor("both to be observed", () => counts.exchanges.length === 2);
  });

  it("a slip in the header that tells documents: 400, and no pod is asked", async () => {
    let asked = 0;
    const upstream = await server(answering((_body, _incoming, response) => void response.end(String(asked++))));
    const { port } = await rig([upstream.port]);
    const answer = await send(port, { headers: { "x-evenkeel-route": "document" }, body: Buffer.from("{}") });
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      status: 400,
      title: "Unknown route",
      detail: "x-evenkeel-route: document: must be documents or queries",
    });
    expect(answer.headers["x-evenkeel-model"]).toBe(digest);
    expect(asked).toBe(0);
  });

  it("no pod: 503 with a problem document", async () => {
    const { port, counts } = await rig([]);
    const answer = await send(port, { body: Buffer.from("{}") });
    expect(answer.status).toBe(503);
    expect(answer.headers["x-evenkeel-model"]).toBe(digest);
    expect(JSON.parse(answer.body.toString())).toEqual({
      type: "about:blank",
      title: "No pod is ready",
      status: 503,
      detail: "there is no pod",
      error: "there is no pod",
    });
    expect(counts).toMatchObject({ codes: [503], failures: ["none"], inFlight: 0 });
  });

  it("refused connection: another pod answers, though the body was large", async () => {
    const gone = await serve(() => {});
    await gone.close();
    const upstream = await echo();
    const { port, counts } = await rig([gone.port, upstream.port], { limits: { copyBytes: 10 } });
    const body = Buffer.alloc(300_000, "x");
    const answer = await send(port, { path: "/other", body });
    expect(answer.body.equals(body)).toBe(true);
    expect(counts.failures).toEqual(["connect"]);
  });

  it("upstream reset before the answer: a request for embeddings is sent to another pod, once", async () => {
    const broken = await server((incoming) => incoming.socket.destroy());
    const upstream = await echo();
    const { port, counts } = await rig([broken.port, upstream.port]);
    expect((await send(port, { body: Buffer.from("{}") })).body.toString()).toBe("{}");
    expect(counts).toMatchObject({ failures: ["reset"], codes: [200] });
    const other = await rig([broken.port, (await server((incoming) => incoming.socket.destroy())).port]);
    expect((await send(other.port, { body: Buffer.from("{}") })).status).toBe(502);
    expect(other.counts.failures).toEqual(["reset", "reset"]);
  });

  it("upstream reset before the answer: another request is not sent twice", async () => {
    let calls = 0;
    const broken = await server((incoming) => {
      calls++;
      incoming.socket.destroy();
    });
    const { port } = await rig([broken.port]);
    const answer = await send(port, { path: "/tokenize", body: Buffer.from("{}") });
    expect(answer.status).toBe(502);
    expect(calls).toBe(1);
  });

  it("upstream reset mid-body: the client sees a broken answer, never a short one that looks whole", async () => {
    const upstream = await server((incoming, response) => {
      incoming.resume();
      response.writeHead(200);
      response.write("half", () => incoming.socket.destroy());
    });
    const { port, counts } = await rig([upstream.port]);
    await expect(send(port, { body: Buffer.from("{}") })).rejects.toThrow(/aborted|hang up|ECONNRESET/);
    await waitFor("the count", () => counts.codes.length === 1);
    expect(counts).toMatchObject({ codes: [502], failures: ["reset"], inFlight: 0, exchanges: [] });
  });

  it("upstream never answers: 504 after the limit, without a second try", async () => {
    const upstream = await server((incoming) => void incoming.resume());
    const { port, counts } = await rig([upstream.port, upstream.port], {
      limits: { upstream: { connect: 1000, headers: 200, body: 200 } },
    });
    const answer = await send(port, { body: Buffer.from("{}") });
    expect(answer.status).toBe(504);
    expect(counts).toMatchObject({ failures: ["timeout"], codes: [504] });
  });

  it("client goes away: the pod's request is given up", async () => {
    let gone = false;
    const upstream = await server((incoming) => {
      incoming.resume();
      incoming.socket.once("close", () => {
        gone = true;
      });
    });
    const { port, counts } = await rig([upstream.port]);
    const client = new RawClient(port);
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
    await waitFor("the request to be under way", () => counts.inFlight === 1);
    client.socket.destroy();
    await waitFor("the pod to see it", () => gone);
    await waitFor("the count", () => counts.codes.length === 1);
    expect(counts).toMatchObject({ codes: [499], inFlight: 0, failures: [] });
  });

  it.each([
    ["a small one", "content-length: 10\r\n\r\n", undefined],
    ["a piecemeal one under protection", "transfer-encoding: chunked\r\n\r\n5\r\n", neverScoring],
    ["a large one under protection", "content-length: 1000000\r\n\r\n", neverScoring],
  ])("client goes away amid its request, %s: it is counted, and no pod is asked", async (_, head, guard) => {
    const asked: (string | undefined)[] = [];
    const upstream = await server((incoming, response) => {
      asked.push(incoming.url);
      response.end();
    });
    const { port, counts } = await rig([upstream.port], guard && { guard });
    const client = new RawClient(port);
    client.socket.write(`POST /v1/embeddings HTTP/1.1\r\nhost: x\r\n${head}{"in`);
    await once(client.socket, "connect");
    await roundTrip(port);
    client.socket.destroy();
    await waitFor("the count", () => counts.codes.length === 2);
    expect(counts).toMatchObject({ codes: [200, 499], inFlight: 0, failures: [] });
    expect(asked).toEqual(["/other"]);
  });

  it("half-closed client: it still gets its answer", async () => {
    const seen = Promise.withResolvers<void>();
    const upstream = await server(
      answering(async (_body, incoming, response) => {
        if (incoming.url === "/v1/embeddings") await seen.promise;
        response.end("late but whole");
      }),
    );
    const { port } = await rig([upstream.port]);
    const client = new RawClient(port);
    client.socket.end("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
    await once(client.socket, "finish");
    await roundTrip(port);
    seen.resolve();
    await waitFor("the answer", () => client.text.includes("late but whole"));
    expect(client.text).toContain("HTTP/1.1 200 OK");
    client.socket.destroy();
  });

  it("half-closed upstream: half an answer is a broken one", async () => {
    const upstream = await server((incoming) => {
      incoming.socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
    });
    const { port, counts } = await rig([upstream.port]);
    await expect(send(port, { body: Buffer.from("{}") })).rejects.toThrow(/aborted|hang up|ECONNRESET/);
    await waitFor("the count", () => counts.codes.length === 1);
    expect(counts).toMatchObject({ codes: [502], failures: ["reset"] });
  });

  it("slow client, sending: no connection of a pod is held for it", async () => {
    let calls = 0;
    const upstream = await server((incoming, response) => {
      if (incoming.url === "/v1/embeddings") calls++;
      incoming.pipe(response);
    });
    const { port } = await rig([upstream.port]);
    const client = new RawClient(port);
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n");
    for (const letter of "slowl") {
      client.socket.write(letter);
      await roundTrip(port);
    }
    expect(calls).toBe(0);
    client.socket.write("y");
    await waitFor("the answer", () => client.text.includes("slowly"));
    client.socket.destroy();
  });

  it("slow client, reading: the pod is held back, and nothing is lost", async () => {
    const size = 64 * 1024 * 1024;
    let written = 0;
    const upstream = await server((incoming, response) => {
      incoming.resume();
      response.writeHead(200, { "content-length": String(size) });
      const piece = Buffer.alloc(64 * 1024, "z");
      const fill = () => {
        let more = true;
        while (more && written < size) {
          written += piece.length;
          more = response.write(piece);
        }
        if (more) response.end();
        else response.once("drain", fill);
      };
      fill();
    });
    const { port } = await rig([upstream.port]);
    const client = new RawClient(port);
    client.socket.pause();
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
    let before = -1;
    await waitFor("the pod to be held back", () => {
      const still = written === before && written > 0;
      before = written;
      return still;
    });
    expect(written).toBeLessThan(size / 2);
    client.socket.resume();
    await waitFor("all of it", () => client.chunks.reduce((sum, chunk) => sum + chunk.length, 0) > size);
    client.socket.destroy();
  });

  it("client that takes nothing more: it is given up after the limit", async () => {
    const upstream = await server((incoming, response) => {
      incoming.resume();
      response.end(Buffer.alloc(32 * 1024 * 1024));
    });
    const { port, counts } = await rig([upstream.port], { limits: { clientStallMs: 100 } });
    const client = new RawClient(port);
    client.socket.pause();
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
    await waitFor("the count", () => counts.codes.length === 1);
    expect(counts).toMatchObject({ codes: [499], inFlight: 0 });
    client.socket.destroy();
  });

  it("broken HTTP: 400, and the next connection is served", async () => {
    const upstream = await echo();
    const { port } = await rig([upstream.port]);
    const client = new RawClient(port);
    client.socket.write("NONSENSE\r\n\r\n");
    await waitFor("400", () => client.text.startsWith("HTTP/1.1 400"));
    client.socket.destroy();
    expect((await send(port, { body: Buffer.from("fine") })).status).toBe(200);
  });
});

describe("over TLS", () => {
  const agent = new TlsAgent({ ca: first.cert, servername: "gateway.test" });
  const post = (port: number) =>
    secureRequest({ port, agent, host: "127.0.0.1", path: "/v1/embeddings", method: "POST" });

  it("answers, and gives the pod's request up when the client goes away", async () => {
    let gone = false;
    const upstream = await server((incoming, response) => {
      incoming.resume();
      if (incoming.url === "/v1/embeddings") incoming.socket.once("close", () => (gone = true));
      else response.end("fine");
    });
    const { port, counts } = await rig([upstream.port], { certificate });
    const other = secureRequest({ port, agent, host: "127.0.0.1", path: "/health" }).end();
    const [answer] = await once(other, "response");
    expect((await readBody(answer)).toString()).toBe("fine");
    const left = post(port).end("{}");
    left.on("error", () => {});
    await waitFor("the request to be under way", () => counts.inFlight === 1);
    left.destroy();
    await waitFor("the pod to see it", () => gone);
    await waitFor("the count", () => counts.codes.length === 2);
    expect(counts).toMatchObject({ codes: [200, 499], inFlight: 0 });
  });

  it("a handshake that never ends does not hold up the end", async () => {
    const upstream = await server(answering((_body, _incoming, response) => void response.end()));
    const { port, proxy } = await startRig([upstream.port], { certificate, limits: { handshakeMs: 50 } });
    const client = new RawClient(port);
    await once(client.socket, "connect");
    await proxy.close(3_600_000);
    await waitFor("the client to see it", () => client.ended || client.closed);
    expect(client.text).toBe("");
    client.socket.destroy();
  });
});

describe("drain", () => {
  it("finishes what is under way, closes connections after their answer, takes no more", async () => {
    let answer = (): void => {};
    const upstream = await server((incoming, response) => {
      incoming.resume();
      answer = () => response.end("done");
    });
    const { port, proxy, counts } = await startRig([upstream.port]);
    const client = new RawClient(port);
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
    await waitFor("the request to be under way", () => counts.inFlight === 1);
    proxy.startDraining();
    const closed = proxy.close(10_000);
    await expect(send(port, {})).rejects.toThrow(/ECONNREFUSED/);
    answer();
    await closed;
    await waitFor("the answer", () => client.text.endsWith("done"));
    expect(counts.codes).toEqual([200]);
    client.socket.destroy();
  });

  it("closes connections after its own answers, too", async () => {
    const { port, proxy } = await rig([]);
    const agent = new Agent({ keepAlive: true });
    const before = await send(port, { agent, body: Buffer.from("{}") });
    expect(before).toMatchObject({ status: 503, headers: { connection: "keep-alive" } });
    proxy.startDraining();
    const after = await send(port, { agent, body: Buffer.from("{}") });
    expect(after).toMatchObject({ status: 503, headers: { connection: "close" } });
    agent.destroy();
  });

  it("breaks off what takes longer than the grace", async () => {
    const upstream = await server((incoming) => void incoming.resume());
    const { port, proxy, counts } = await startRig([upstream.port]);
    const client = new RawClient(port);
    client.socket.write("POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
    await waitFor("the request to be under way", () => counts.inFlight === 1);
    await proxy.close(50);
    await waitFor("the client to see it", () => client.ended || client.closed);
    expect(client.text).toBe("");
    client.socket.destroy();
  });
});
