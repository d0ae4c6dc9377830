import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { Agent, request } from "undici";
import { afterAll, beforeAll, expect, it } from "vitest";
import { first, mountSecret, second } from "../../../src/gateway/certificate.fixture.ts";
import { waitFor } from "../../harness/wait.ts";
import { Bed, embed, metric, type RunningGateway } from "./bed.ts";

const servername = "gateway.test";
const input = [1, 1, 1, 1, 1, 1, 1, 0];

let bed: Bed;
let gateway: RunningGateway;
let secret: string;
const clients: Agent[] = [];

beforeAll(async () => {
  bed = await Bed.start();
  secret = await mkdtemp(join(bed.root, "tls-"));
  await mountSecret(secret, first);
  gateway = await bed.startGateway("products-gateway-0", "127.0.0.60", { tls: secret });
  await bed.startPod("stable-0", "127.0.0.61", bed.stable, 0, { app: "embedder" });
  await bed.configure();
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await bed.stop();
});

/** A client with a connection of its own that trusts one certificate. */
function trusting(ca: string): Agent {
  const client = new Agent({ connect: { ca, servername } });
  clients.push(client);
  return client;
}

/** Name and protocol that a new connection is shown. */
async function shown(version: Pick<ConnectionOptions, "minVersion" | "maxVersion" | "ciphers"> = {}): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  const ALPNProtocols = ["h2", "http/1.1"];
  const socket = connect({
    host: hostname,
    port: Number(port),
    servername,
    rejectUnauthorized: false,
    ALPNProtocols,
    ...version,
  });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  const told = `${String(subject.CN)} ${socket.alpnProtocol}`;
  socket.destroy();
  return told;
}

const loads = (result: string) => metric(gateway, "evenkeel_gateway_certificate_loads_total", { result });

it("serves https to clients, HTTP/1.1 and no TLS under 1.2, and plain http on the admin port", async () => {
  const client = trusting(first.cert);
  await waitFor("an answer", async () => (await embed(gateway, [input], {}, client)).status === 200);
  expect(await shown()).toBe("first http/1.1");
  expect(await shown({ maxVersion: "TLSv1.2" })).toBe("first http/1.1");
  const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await expect(shown(old)).rejects.toThrow("alert protocol version");
  await expect(request(gateway.url.replace("https", "http"))).rejects.toThrow(/other side closed|ECONNRESET/);
  expect((await request(`${gateway.adminUrl}/readyz`)).statusCode).toBe(200);
  expect(await metric(gateway, "evenkeel_gateway_certificate_not_after_timestamp_seconds")).toBe(
    Date.parse("2120-01-01T00:00:00Z") / 1000,
  );
});

it("takes a renewed certificate for new connections, and lets open ones be", async () => {
  const before = trusting(first.cert);
  expect((await embed(gateway, [input], {}, before)).status).toBe(200);
  await mountSecret(secret, second);
  await waitFor("the second certificate", async () => (await shown()) === "second http/1.1");
  expect((await embed(gateway, [input], {}, before)).status).toBe(200);
  expect((await embed(gateway, [input], {}, trusting(second.cert))).status).toBe(200);
  await expect(embed(gateway, [input], {}, trusting(first.cert))).rejects.toThrow(/certificate/);
  expect(await loads("loaded")).toBe(2);
});

it("keeps the one it has when a renewed one is broken, says so, and takes the next", async () => {
  await mountSecret(secret, { cert: first.cert, key: second.key });
  await waitFor("the failure to be counted", async () => (await loads("failed")) === 1);
  expect(gateway.faults.map(String)).toEqual([expect.stringContaining("tls.key is not the key of the certificate")]);
  expect((await embed(gateway, [input], {}, trusting(second.cert))).status).toBe(200);
  await mountSecret(secret, first);
  await waitFor("the first certificate again", async () => (await shown()) === "first http/1.1");
});
