import { expect, it } from "vitest";
import { listenHost } from "./listen-host.ts";

it.each([
  ["no pod", "", "127.0.0.1"],
  ["a pod", "10.244.0.7", "0.0.0.0"],
  ["a pod of an IPv6 cluster", "fd00::7", "::"],
  ["a pod on loopback", "127.1.0.3", "127.1.0.3"],
])("%s", (_, podIp, host) => {
  expect(listenHost(podIp)).toBe(host);
});
