import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { loadCredentials } from "../../../src/kube/config.ts";
import type { Contact } from "../../../src/kube/contact.ts";
import { manualClock } from "../../../src/kube/index.ts";
import { Transport } from "../../../src/kube/transport.ts";
import type { FaultyProxy } from "../../harness/faulty-proxy.ts";
import { waitFor } from "../../harness/wait.ts";
import { kubeconfigText, startProxy } from "./cluster.ts";

let proxy: FaultyProxy;
beforeAll(async () => {
  proxy = await startProxy();
});
afterAll(() => proxy.stop());

async function open(url = proxy.url, token = inject("cluster").token) {
  const clock = manualClock();
  const contacts: Contact[] = [];
  const credentials = await loadCredentials({ kubeconfigText: kubeconfigText(url, inject("cluster").ca, token) });
  const onContact = (contact: Contact) => contacts.push(contact);
  const transport = new Transport({ credentials, userAgent: "kube-test", qps: 50, burst: 100, clock, onContact });
  const call = { method: "GET", path: "/api/v1/namespaces/default", what: "get it", timeoutMs: 30_000 } as const;
  const errors = () => contacts.map(({ error }) => error && { kind: error.kind, message: error.message });
  return { clock, contacts, errors, transport, call };
}

it("an answer is told with its server", async () => {
  const { contacts, transport, call } = await open();
  await transport.text(call);
  expect(contacts).toEqual([{ server: new URL(proxy.url), what: "get it", write: false, sentAt: 0, error: null }]);
  await transport.credentials.close();
});

it("an answer that is slow to come is told before its deadline, and what is given up is not", async () => {
  const { clock, errors, transport, call } = await open();
  proxy.fault({ when: ({ name }) => name === "default", fault: { kind: "NeverAnswer" } });
  const before = proxy.calls.length;
  const giveUp = new AbortController();
  const given = transport.text({ ...call, signal: giveUp.signal });
  await waitFor("the request", () => proxy.calls.length > before);
  clock.advance(5_000);
  expect(errors()).toEqual([{ kind: "Timeout", message: "get it: no answer for 5000 ms" }]);
  giveUp.abort();
  await expect(given).rejects.toMatchObject({ kind: "Aborted" });
  expect(errors()).toHaveLength(1);
  await transport.credentials.close();
});

it("each refused connection is told, not only the last", async () => {
  const gone = await startProxy();
  const { url } = gone;
  await gone.stop();
  const { clock, errors, transport, call } = await open(url);
  const failed = transport.text(call).catch((error: unknown) => error);
  await waitFor("the first", () => errors().length === 1);
  // The pauses before the next tries.
  for (let tries = 2; tries <= 4; tries++) {
    await waitFor("a pause", () => clock.pending === 2);
    clock.advance(2_000);
    await waitFor("the next", () => errors().length === tries);
  }
  expect(await failed).toMatchObject({ kind: "Unavailable" });
  expect(errors()).toEqual(Array(4).fill({ kind: "Unavailable", message: expect.stringContaining("ECONNREFUSED") }));
  await transport.credentials.close();
});

it("a token that is not accepted is told", async () => {
  const { errors, transport, call } = await open(proxy.url, "wrong");
  await expect(transport.text(call)).rejects.toMatchObject({ kind: "Unauthorized" });
  expect(errors()).toMatchObject([{ kind: "Unauthorized" }]);
  await transport.credentials.close();
});
