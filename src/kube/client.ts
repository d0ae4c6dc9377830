import type {
  Applied,
  ApplyOptions,
  CallOptions,
  Created,
  DeleteOptions,
  List,
  ListOptions,
  PatchOptions,
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./call-options.ts";
import { type ClusterConfig, loadCredentials } from "./config.ts";
import type { Contact } from "./contact.ts";
import { isKubeError, KubeError } from "./error.ts";
import type { Fence } from "./fence.ts";
import { jsonLines } from "./json-lines.ts";
import { formatKey, type Key, type KubeObject, keyOf, type Stored } from "./object.ts";
import { collectionPath, objectPath, type Resource } from "./resource.ts";
import { type ApiRequest, Transport } from "./transport.ts";
import { decode, decodeEvent, decodePage, type Page, typeOf } from "./wire.ts";

export type ConnectOptions = ClusterConfig & {
  /** Names this program: user agent, and the owner of the fields it writes. */
  readonly fieldManager: string;
  /** Requests a second in the long run (default 50) and at once (default 100). */
  readonly qps?: number;
  readonly burst?: number;
  /** For calls that give none; default 30 s. */
  readonly timeoutMs?: number;
  /** Told of every request, as `contactLog` wants it. */
  readonly onContact?: (contact: Contact) => void;
};

/** Loads the configuration and gives a client; the first call opens the first connection. */
export async function connect(options: ConnectOptions): Promise<Kube> {
  const credentials = await loadCredentials(options);
  const { fieldManager, qps = 50, burst = 100, timeoutMs = 30_000, onContact } = options;
  const transport = new Transport({ credentials, userAgent: fieldManager, qps, burst, onContact });
  return new Kube(transport, { fieldManager, timeoutMs });
}

interface KubeDefaults {
  readonly fieldManager: string;
  readonly timeoutMs: number;
  readonly fence?: Fence;
  readonly urgent?: boolean;
}

/** A typed client of one API server. Every call has a deadline and fails with a `KubeError`. */
export class Kube {
  readonly #transport: Transport;
  readonly #defaults: KubeDefaults;

  constructor(transport: Transport, defaults: KubeDefaults) {
    this.#transport = transport;
    this.#defaults = defaults;
  }

  /** Namespace of the kubeconfig's context or of the pod, if any. */
  get namespace(): string | undefined {
    return this.#transport.credentials.namespace;
  }

  get server(): URL {
    return this.#transport.credentials.server;
  }

  /** The same client whose writes are sent only while `fence` holds, and end before it does. */
  fenced(fence: Fence): Kube {
    return new Kube(this.#transport, { ...this.#defaults, fence });
  }

  /** The same client past the rate limit: for lease renewals, which must not queue behind a thousand writes. */
  unthrottled(): Kube {
    return new Kube(this.#transport, { ...this.#defaults, urgent: true });
  }

  /** Closes the connections; calls under way fail. */
  async close(): Promise<void> {
    await this.#transport.credentials.close();
  }

  /** The object, or null when there is none. */
  async get<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    options: CallOptions = {},
  ): Promise<Stored<T> | null> {
    try {
      const body = await this.#transport.json({
        method: "GET",
        path: objectPath(resource, key),
        what: `get ${resource.kind} ${formatKey(key)}`,
        ...this.#call(options),
      });
      return decode(resource, body);
    } catch (error) {
      if (isKubeError(error, "NotFound")) return null;
      throw error;
    }
  }

  /** All objects of a selection as of one moment, read page by page. */
  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    const items: Stored<T>[] = [];
    let resourceVersion = "";
    try {
      for await (const page of this.listPages(resource, options)) {
        for (const item of page.items) items.push(decode(resource, item));
        resourceVersion = page.resourceVersion;
      }
    } catch (error) {
      // It took longer than the server remembers where it began: once more, all of it at once.
      if (!isKubeError(error, "Expired") || items.length === 0) throw error;
      return await this.list(resource, { ...options, pageSize: 0 });
    }
    return { items, resourceVersion };
  }

  /** The pages of a list, undecoded. A list that takes longer than the server remembers its start throws Expired. */
  async *listPages<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions = {},
  ): AsyncGenerator<Page, void, undefined> {
    const { pageSize = 500, resourceVersion, resourceVersionMatch } = options;
    const what = `list ${resource.plural}${options.namespace ? ` in ${options.namespace}` : ""}`;
    let next = "";
    do {
      const version = next === "" ? { resourceVersion, resourceVersionMatch } : { continue: next };
      const body = await this.#transport.json({
        method: "GET",
        path: collectionPath(resource, options.namespace),
        query: { ...selectors(options), limit: pageSize, ...version },
        what,
        ...this.#call(options),
      });
      const page = decodePage(body, what);
      yield page;
      next = page.next;
    } while (next !== "");
  }

  /**
   * Changes from `resourceVersion` on, a batch for every piece of the stream.
   *
   * It ends normally when the server ends the stream at a whole event, which it does every few minutes, and when it was
   * silent for `idleTimeoutMs`: where nothing happens there may be no bookmark either. Go on from the last
   * resourceVersion seen: whether the server is still there shows then. Everything else throws: Expired (list again),
   * Timeout (no answer), Unavailable.
   */
  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>[], void, undefined> {
    const { resourceVersion, timeoutSeconds = 300, idleTimeoutMs = 90_000, signal } = options;
    const what = `watch ${resource.plural}${options.namespace ? ` in ${options.namespace}` : ""}`;
    const stream = await this.#transport.stream({
      method: "GET",
      path: collectionPath(resource, options.namespace),
      query: { ...selectors(options), watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds },
      what,
      ...this.#call(options),
    });
    let silent = false;
    const listen = () =>
      setTimeout(() => {
        silent = true;
        stream.destroy();
      }, idleTimeoutMs);
    let timer = listen();
    try {
      for await (const lines of jsonLines(stream)) {
        // What the reader takes for an event is not the server's silence.
        clearTimeout(timer);
        const events = lines.map((line) => decodeEvent(resource, line, what));
        if (events.length > 0) yield events;
        timer = listen();
      }
    } catch (error) {
      if (silent) return;
      if (isKubeError(error)) throw error;
      if (signal?.aborted) throw new KubeError("Aborted", `${what}: aborted by the caller`);
      const reason = error instanceof Error ? error.message : String(error);
      throw new KubeError("Unavailable", `${what}: ${reason}`, { cause: error });
    } finally {
      clearTimeout(timer);
      stream.destroy();
    }
  }

  /**
   * Stores a new object; throws AlreadyExists when its name is taken. For one-shot objects: to the API server its fields
   * belong to an update, so that a later apply meets FieldConflict with its own manager.
   */
  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: NoInfer<Created<T>>,
    options: WriteOptions = {},
  ): Promise<Stored<T>> {
    const key = keyOf(object);
    const body = await this.#transport.json({
      method: "POST",
      path: collectionPath(resource, namespaceOf(resource, key)),
      query: this.#writeQuery(options),
      body: { ...typeOf(resource), ...object },
      what: `create ${resource.kind} ${formatKey(key)}`,
      ...this.#write(options),
    });
    return decode(resource, body);
  }

  /** Replaces the whole object; its resourceVersion is the precondition. */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: Stored<NoInfer<T>>,
    options: WriteOptions = {},
  ): Promise<Stored<T>> {
    return await this.#put(resource, object, undefined, options);
  }

  /** Replaces the status alone; the object's resourceVersion is the precondition. */
  async replaceStatus<T extends KubeObject>(
    resource: Resource<T>,
    object: Stored<NoInfer<T>>,
    options: WriteOptions = {},
  ): Promise<Stored<T>> {
    return await this.#put(resource, object, "status", options);
  }

  /**
   * Server-side apply: owns exactly the fields that `object` has.
   *
   * @throws KubeError FieldConflict when another manager owns one of them and `force` is not set; Conflict when the
   *   resourceVersion differs. An apply without a resourceVersion creates what is not there.
   */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: NoInfer<Applied<T>>,
    options: ApplyOptions = {},
  ): Promise<Stored<T>> {
    const key = keyOf(object);
    const body = await this.#transport.json({
      method: "PATCH",
      path: objectPath(resource, key),
      query: { ...this.#writeQuery(options), force: options.force ?? false },
      body: withVersion(Object.assign(typeOf(resource), object), options.resourceVersion),
      contentType: "application/apply-patch+yaml",
      what: `apply ${resource.kind} ${formatKey(key)}`,
      ...this.#write(options),
    });
    return decode(resource, body);
  }

  /** JSON merge patch (RFC 7396): null removes a field, a list is replaced as a whole. */
  async mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    patch: object,
    options: PatchOptions = {},
  ): Promise<Stored<T>> {
    const body = await this.#transport.json({
      method: "PATCH",
      path: objectPath(resource, key),
      query: this.#writeQuery(options),
      body: withVersion(patch, options.resourceVersion),
      contentType: "application/merge-patch+json",
      what: `patch ${resource.kind} ${formatKey(key)}`,
      ...this.#write(options),
    });
    return decode(resource, body);
  }

  /** Whether there was something to delete. With finalizers the object is still there, marked as deleted. */
  async delete<T extends KubeObject>(resource: Resource<T>, key: Key, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, propagation = "Background", gracePeriodSeconds, dryRun } = options;
    try {
      await this.#transport.text({
        method: "DELETE",
        path: objectPath(resource, key),
        body: {
          kind: "DeleteOptions",
          apiVersion: "v1",
          propagationPolicy: propagation,
          gracePeriodSeconds,
          ...(dryRun ? { dryRun: ["All"] } : {}),
          ...((uid ?? resourceVersion) ? { preconditions: { uid, resourceVersion } } : {}),
        },
        what: `delete ${resource.kind} ${formatKey(key)}`,
        ...this.#write(options),
      });
      return true;
    } catch (error) {
      if (isKubeError(error, "NotFound")) return false;
      throw error;
    }
  }

  async #put<T extends KubeObject>(
    resource: Resource<T>,
    object: Stored<T>,
    subresource: string | undefined,
    options: WriteOptions,
  ): Promise<Stored<T>> {
    const key = keyOf(object);
    const body = await this.#transport.json({
      method: "PUT",
      path: objectPath(resource, key, subresource),
      query: this.#writeQuery(options),
      body: { ...object, ...typeOf(resource) },
      what: `replace ${subresource ? `${subresource} of ` : ""}${resource.kind} ${formatKey(key)}`,
      ...this.#write(options),
    });
    return decode(resource, body);
  }

  #call({ signal, timeoutMs }: CallOptions): Pick<ApiRequest, "signal" | "timeoutMs" | "urgent"> {
    const { timeoutMs: defaultMs, urgent = false } = this.#defaults;
    return { signal, timeoutMs: timeoutMs ?? defaultMs, urgent };
  }

  #write(options: CallOptions): Pick<ApiRequest, "signal" | "timeoutMs" | "urgent" | "fence"> {
    const { fence } = this.#defaults;
    return { ...this.#call(options), ...(fence ? { fence } : {}) };
  }

  #writeQuery({
    fieldManager = this.#defaults.fieldManager,
    dryRun,
  }: WriteOptions): Record<string, string | undefined> {
    return { fieldManager, fieldValidation: "Strict", dryRun: dryRun ? "All" : undefined };
  }
}

function namespaceOf(resource: Resource<KubeObject>, key: Key): string | undefined {
  if (resource.namespaced && !key.namespace) throw new TypeError(`${resource.kind} "${key.name}" needs a namespace`);
  return key.namespace;
}

function selectors({ labelSelector, fieldSelector }: Selection): Record<string, string | undefined> {
  return { labelSelector, fieldSelector };
}

function withVersion(patch: object, resourceVersion: string | undefined): object {
  if (resourceVersion === undefined) return patch;
  const metadata = "metadata" in patch && typeof patch.metadata === "object" ? patch.metadata : {};
  return { ...patch, metadata: { ...metadata, resourceVersion } };
}
