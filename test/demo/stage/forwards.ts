import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Kubectl } from "./kubectl.ts";

/** Connections from this machine into the cluster, by `kubectl port-forward`. */
export class Forwards {
  readonly #as: Kubectl;
  readonly #children = new Set<ChildProcess>();
  #stopped = false;

  constructor(as: Kubectl) {
    this.#as = as;
  }

  /** @returns the base URL on this machine */
  async open({ namespace, target, port }: { namespace: string; target: string; port: number }): Promise<string> {
    return (await this.#forward(namespace, target, port)).url;
  }

  /** Keeps one connection to each ready pod of a selector. @returns the base URLs, as they are at the time of the call */
  follow({
    namespace,
    selector,
    port,
  }: {
    namespace: string;
    selector: string;
    port: number;
  }): () => readonly string[] {
    const urls = new Map<string, string>();
    void this.#followPods(urls, namespace, selector, port);
    return () => [...urls.values()];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(
      [...this.#children].map((child) => {
        const ended = once(child, "close");
        child.kill();
        return ended;
      }),
    );
  }

  async #followPods(urls: Map<string, string>, namespace: string, selector: string, port: number): Promise<void> {
    while (!this.#stopped) {
      const ready = await this.#readyPods(namespace, selector).catch((): string[] => []);
      for (const pod of ready) {
        if (urls.has(pod) || this.#stopped) continue;
        const opened = await this.#forward(namespace, `pod/${pod}`, port).catch(() => null);
        if (!opened) continue;
        urls.set(pod, opened.url);
        opened.child.once("close", () => urls.delete(pod));
      }
      for (const pod of urls.keys()) if (!ready.includes(pod)) urls.delete(pod);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  async #readyPods(namespace: string, selector: string): Promise<string[]> {
    const template =
      '{range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
    const out = await this.#as([
      "get",
      "pods",
      `--namespace=${namespace}`,
      `--selector=${selector}`,
      `--output=jsonpath=${template}`,
    ]);
    return out
      .toString("utf8")
      .split("\n")
      .flatMap((line) => (line.endsWith(" True") ? [line.slice(0, -" True".length)] : []));
  }

  async #forward(namespace: string, target: string, port: number): Promise<{ child: ChildProcess; url: string }> {
    const child = spawn(
      this.#as.binary,
      [
        `--kubeconfig=${this.#as.kubeconfig}`,
        "port-forward",
        `--namespace=${namespace}`,
        "--address=127.0.0.1",
        target,
        `:${port}`,
      ],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    for await (const line of createInterface({ input: child.stdout })) {
      const local = /127\.0\.0\.1:(\d+) ->/.exec(line)?.[1];
      if (!local) continue;
      child.stdout.resume();
      return { child, url: `http://127.0.0.1:${local}` };
    }
    throw new Error(`kubectl port-forward ${target}: it ended before it forwarded anything`);
  }
}
