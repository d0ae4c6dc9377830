import { createServer } from "node:https";
import { expect, it } from "vitest";
import { evaluate } from "./evaluate.ts";
import { prometheusClient } from "./prometheus.ts";

// Made for this test and used nowhere else: a CA, another CA, and a key with a certificate for 127.0.0.1 of the first.
const ca = `-----BEGIN CERTIFICATE-----
MIIBcDCCARegAwIBAgIUHGi9nmo3C5jcVl0oi4iRT4f6q84wCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI0MDYzMTA2WhgPMjEyNjEwMzEwNjMxMDZa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdLp2jIBA
FTRqCytzWvaCZ12R58qrn0zQxtLAur9xp2UHNhmMJafOMB/rLuaOSZI5mMYF5568
i3mK7q2e45PkCaNTMFEwHQYDVR0OBBYEFF3n6QYAftMnuWM2vxMr6GiI1hGIMB8G
A1UdIwQYMBaAFF3n6QYAftMnuWM2vxMr6GiI1hGIMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgUN+lh9nUOyMLgk8dJXMIDHZWdem+ROF/EjwTkCk+
SUkCIEw1d+jLJcUilFw//tr1VfFpA2QdrFfLOXfkUTsLQDy+
-----END CERTIFICATE-----`;
const otherCa = `-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUTYMo6jVcB1JICpuBLb9S0OMi0XAwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTI0MDYzMTA2WhgPMjEyNjEwMzEwNjMx
MDZaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
cfiUumD+ZUGUoteyHbAf+rIRkRwQ8OGFS5Ga4o3ivEUJ/ZmkhILwKivvjcHx6B2u
E4LZwozZNuluMAHP051yxqNTMFEwHQYDVR0OBBYEFGhFbwKwEZz+4gwU39GFQQuB
xOqIMB8GA1UdIwQYMBaAFGhFbwKwEZz+4gwU39GFQQuBxOqIMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgDqnib28axIwMUWwBZ51uzEI79yuz1OLl
7Q+9ml9jJEcCIQCN4UTqwc6KjYLIVzMLZbPk+Za5WJkbAXUI3Cdgg18jow==
-----END CERTIFICATE-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBeDCCAR6gAwIBAgIUOMBMtm0bEs7mNkKpClcciLwsWmUwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI0MDYzMTA2WhgPMjEyNjEwMzEwNjMxMDZa
MBQxEjAQBgNVBAMMCTEyNy4wLjAuMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BAT6DEpVAX9V4u4K2RiNMvVFrGhL1islUNyJhNNC9EO1Mxji6SaToaKVOmQNSPC/
I1nOG3UV6RaEqegFwdygDvGjUzBRMA8GA1UdEQQIMAaHBH8AAAEwHQYDVR0OBBYE
FJqQRFIABhuKqSwL6hFMMHvMBpZGMB8GA1UdIwQYMBaAFF3n6QYAftMnuWM2vxMr
6GiI1hGIMAoGCCqGSM49BAMCA0gAMEUCIQCgHC3ZVWdvHgIIqqbllgnMiWRs/aTb
5AOy4RJSnsugVQIgYnxS9qKbOi5wnDTYECEo3TCz/py6cfun7XOOBLAYfwM=
-----END CERTIFICATE-----`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg30gPCEjFaAd7/nD9
L/8zmWocBOqr07G+5LWWsGWp81qhRANCAAQE+gxKVQF/VeLuCtkYjTL1RaxoS9Yr
JVDciYTTQvRDtTMY4ukmk6GilTpkDUjwvyNZzht1FekWhKnoBcHcoA7x
-----END PRIVATE KEY-----`;

it.each([
  ["the CA that signed it", ca, { kind: "Pass", reason: "WithinLimits" }],
  ["another CA", otherCa, { kind: "SourceError", reason: "Unreachable" }],
  ["the system's CAs", undefined, { kind: "SourceError", reason: "Unreachable" }],
])("a server's certificate is checked against %s", async (_, trusted, expected) => {
  const at = 1_000_000;
  const body = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1000,"0"]}]}}';
  const server = createServer({ key, cert }, (_request, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `https://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
  const prometheus = prometheusClient(trusted === undefined ? { url } : { url, ca: trusted });
  const signal = { kind: "PromQL", query: "up", above: 1, maxAge: 1000 } as const;
  expect(await evaluate(signal, prometheus, { now: () => at })).toMatchObject(expected);
  await prometheus.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
