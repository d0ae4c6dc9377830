import { setTimeout as sleep } from "node:timers/promises";
import { Agent, fetch, type RequestInit } from "undici";

/** How to reach an API server as somebody. */
export interface Access {
  readonly url: string;
  /** PEM of what signed the server's certificate. */
  readonly ca: string;
  readonly token: string;
}

export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** An object as it stands on the wire: dates are strings. */
export type OnWire<T> = T extends Date
  ? string
  : T extends readonly (infer E)[]
    ? OnWire<E>[]
    : T extends object
      ? { [K in keyof T]: OnWire<T[K]> }
      : T;

export type WatchEvent<T> = { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T };

interface Listed {
  readonly metadata?: { readonly resourceVersion?: string; readonly uid?: string } | undefined;
}

/**
 * The few API calls that the harness makes.
 *
 * It is not the product's client on purpose: a test that checks the product with the product's own client would not
 * notice what both get wrong.
 */
export class KubernetesApi {
  readonly access: Access;
  readonly #dispatcher: Agent;

  constructor(access: Access) {
    this.access = access;
    // A watch may stay silent for longer than undici's default body timeout.
    this.#dispatcher = new Agent({ connect: { ca: access.ca }, bodyTimeout: 0, connections: 64 });
  }

  /** The server puts off who lists a kind while its CRD changes, as one test has it do: then it is asked again. */
  async get<T>(path: string): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#request("GET", path);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 429 || tries === 50) throw error;
        await sleep(100);
      }
    }
  }

  /** Like get, but null where there is no such object. */
  async find<T>(path: string): Promise<T | null> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  async create<T>(path: string, object: unknown): Promise<T> {
    return this.#request("POST", path, "application/json", object);
  }

  async replace<T>(path: string, object: unknown): Promise<T> {
    return this.#request("PUT", path, "application/json", object);
  }

  /** JSON merge patch. */
  async patch<T>(path: string, change: unknown): Promise<T> {
    return this.#request("PATCH", path, "application/merge-patch+json", change);
  }

  /** Strategic merge patch of the status subresource: lists with merge keys, such as conditions, are merged. */
  async patchStatus<T>(path: string, change: unknown): Promise<T> {
    return this.#request("PATCH", `${path}/status`, "application/strategic-merge-patch+json", change);
  }

  /** Server-side apply. */
  async apply<T>(path: string, object: unknown, manager = "harness"): Promise<T> {
    const query = `${path.includes("?") ? "&" : "?"}fieldManager=${manager}&force=true`;
    return this.#request("PATCH", path + query, "application/apply-patch+yaml", object);
  }

  async delete(path: string, options: unknown = {}): Promise<void> {
    await this.#request("DELETE", path, "application/json", options);
  }

  /** The server has checked an answer against its kind's schema: it is what the caller says it is. */
  async #request<T>(method: string, path: string, type?: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(path, {
      method,
      ...(type && { body: JSON.stringify(body) }),
      headers: type ? { "content-type": type } : {},
    });
    const text = await response.text();
    const answer: T = text.startsWith("{") ? JSON.parse(text) : text;
    return answer;
  }

  async #fetch(
    path: string,
    { headers, ...init }: Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> },
  ) {
    const response = await fetch(this.access.url + path, {
      ...init,
      headers: { authorization: `Bearer ${this.access.token}`, ...headers },
      dispatcher: this.#dispatcher,
    });
    if (response.ok) return response;
    const text = await response.text();
    const status: { reason?: string; message?: string } = text.startsWith("{") ? JSON.parse(text) : {};
    throw new ApiError(
      response.status,
      status.reason ?? "",
      `${init.method} ${path}: ${response.status} ${status.message ?? text}`,
    );
  }

  /**
   * Everything that happens to the objects of a collection, from what exists now on, until the signal aborts.
   *
   * After a break it lists again; what vanished in between is reported as deleted.
   *
   * @param path  collection with an optional query, such as `/api/v1/pods?fieldSelector=spec.nodeName=a`
   */
  async watch<T extends Listed>(
    path: string,
    signal: AbortSignal,
    see: (event: WatchEvent<T>) => void,
    trouble: (error: unknown) => void = () => undefined,
  ): Promise<void> {
    const known = new Map<string, T>();
    const query = path.includes("?") ? "&" : "?";
    while (!signal.aborted) {
      try {
        const list = await this.get<{ metadata: { resourceVersion: string }; items: T[] }>(path);
        const present = new Set(list.items.map((item) => item.metadata?.uid ?? ""));
        for (const [uid, object] of known) {
          if (present.has(uid)) continue;
          known.delete(uid);
          see({ type: "DELETED", object });
        }
        for (const object of list.items) {
          const uid = object.metadata?.uid ?? "";
          const before = known.get(uid);
          if (before?.metadata?.resourceVersion === object.metadata?.resourceVersion) continue;
          known.set(uid, object);
          see({ type: before ? "MODIFIED" : "ADDED", object });
        }
        const from = `${query}watch=true&resourceVersion=${list.metadata.resourceVersion}`;
        for await (const event of this.#stream<T>(path + from, signal)) {
          const uid = event.object.metadata?.uid ?? "";
          if (event.type === "DELETED") known.delete(uid);
          else known.set(uid, event.object);
          see(event);
        }
      } catch (error) {
        if (signal.aborted) return;
        trouble(error);
        await new Promise((resume) => setTimeout(resume, 100));
      }
    }
  }

  async *#stream<T>(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const response = await this.#fetch(path, { method: "GET", signal });
    if (!response.body) return;
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event: WatchEvent<T> | { readonly type: "ERROR"; readonly object: unknown } = JSON.parse(line);
        // 410 Gone and the like: the caller lists again.
        if (event.type === "ERROR") return;
        yield event;
      }
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }
}
