import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Container, Probe } from "./pod.ts";
import type { ExecResult } from "./sandbox.ts";

export interface ProbeTarget {
  readonly container: Container;
  readonly podIP: string;
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<ExecResult>;
}

/** A certificate of a pod is not verified, just as the kubelet doesn't. */
const trusting = new Agent({ connect: { rejectUnauthorized: false } });
/** Until a probe has succeeded once it is repeated this often, so that a test needn't wait out a long period. */
const eagerMs = 200;

/**
 * Probes until the signal aborts, and reports each change of mind that the thresholds allow.
 *
 * A success is looked for more often than the period says, failures are counted once a period.
 */
export async function watchProbe(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
  report: (healthy: boolean, message: string) => void,
): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3, successThreshold = 1 } = probe;
  let [successes, failures] = [0, 0];
  let healthy: boolean | null = null;
  let nextFailureCounts = Date.now() + (initialDelaySeconds + periodSeconds) * 1000;
  try {
    await sleep(initialDelaySeconds * 1000, undefined, { signal });
    while (!signal.aborted) {
      const problem = await tryProbe(probe, target);
      if (signal.aborted) return;
      if (problem === null) {
        [successes, failures] = [successes + 1, 0];
        if (healthy !== true && successes >= successThreshold) {
          healthy = true;
          report(true, "");
        }
      } else {
        successes = 0;
        const eager = healthy === null && Date.now() < nextFailureCounts;
        if (!eager) {
          failures += 1;
          nextFailureCounts = Date.now() + periodSeconds * 1000;
        }
        if (healthy !== false && failures >= failureThreshold) {
          healthy = false;
          report(false, problem);
        }
      }
      await sleep(healthy === true ? periodSeconds * 1000 : Math.min(eagerMs, periodSeconds * 1000), undefined, {
        signal,
      });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Null when the probe succeeds, else why not. */
async function tryProbe(probe: Probe, target: ProbeTarget): Promise<string | null> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const { httpGet, tcpSocket, exec } = probe;
  try {
    if (httpGet) {
      const { path = "/", scheme = "HTTP", host = target.podIP, httpHeaders = [] } = httpGet;
      const url = `${scheme.toLowerCase()}://${host}:${portNumber(httpGet.port, target.container)}${path}`;
      const response = await request(url, {
        headers: Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
        dispatcher: trusting,
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body.dump();
      return response.statusCode < 400 ? null : `HTTP probe failed with statuscode: ${response.statusCode}`;
    }
    if (tcpSocket) {
      await connects(portNumber(tcpSocket.port, target.container), tcpSocket.host ?? target.podIP, timeoutMs);
      return null;
    }
    if (exec) {
      const { code, output } = await target.exec(exec.command ?? [], timeoutMs);
      return code === 0 ? null : `exec probe ended with code ${code}: ${output.slice(0, 200)}`;
    }
    return "the harness knows httpGet, tcpSocket and exec probes only";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port);
  if (!named) throw new Error(`container ${container.name} has no port named ${port}`);
  return named.containerPort;
}

function connects(port: number, host: string, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, timeout });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("timeout", () => socket.destroy(new Error(`no answer within ${timeout} ms`)));
    socket.once("error", reject);
  });
}
