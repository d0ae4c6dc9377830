import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cannotListen } from "./cannot-listen.ts";

const taken = createServer();
let port = 0;
beforeAll(async () => {
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  if (typeof address === "object" && address) ({ port } = address);
});
afterAll(() => taken.close());

async function failure(port: number, host: string): Promise<unknown> {
  const server = createServer().listen(port, host);
  return await once(server, "listening").then(
    () => server.close(),
    (error: unknown) => error,
  );
}

describe("cannotListen", () => {
  it("names the option whose port is taken", async () => {
    const error = await failure(port, "127.0.0.1");
    expect(cannotListen(error, { ports: { "--port": 1, "--admin-port": port } })).toMatchObject({
      exitCode: 1,
      message: `--admin-port ${port}: it is taken: choose another, or 0 for any free one`,
    });
  });

  it("names an address of another machine", async () => {
    const error = await failure(0, "192.0.2.1");
    expect(cannotListen(error, { ports: { "--port": 0 }, host: "192.0.2.1" })).toMatchObject({
      exitCode: 1,
      message: "--host 192.0.2.1: it is no address of this machine",
    });
  });

  it("leaves other errors as they are", () => {
    const error = new Error("something else");
    expect(cannotListen(error, { ports: { "--port": 1 }, host: "127.0.0.1" })).toBe(error);
  });
});
