/** What a request to the API server asks for, read from its method and URL. */
export interface ApiCall {
  readonly verb: "get" | "list" | "watch" | "create" | "replace" | "patch" | "apply" | "delete" | "other";
  readonly group: string;
  /** Plural, as in the URL; "" for paths that are no resource. */
  readonly resource: string;
  readonly namespace: string;
  /** Of a create: from its body. */
  readonly name: string;
  readonly subresource: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** A call that changes something, with what it sends. */
export interface ApiWrite extends ApiCall {
  readonly verb: "create" | "replace" | "patch" | "apply" | "delete";
  readonly dryRun: boolean;
  readonly body: unknown;
}

const pattern =
  /^\/(?:api|apis\/(?<group>[^/]+))\/[^/]+(?:\/namespaces\/(?<namespace>[^/]+)(?=\/[^/]))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>.+))?$/;

export function readCall(method: string, target: string, contentType: string, body: unknown): ApiCall {
  const url = new URL(target, "http://proxy");
  const parts = pattern.exec(url.pathname)?.groups ?? {};
  const name = parts["name"] ?? nameIn(body);
  const call = {
    group: parts["group"] ?? "",
    resource: parts["resource"] ?? "",
    namespace: parts["namespace"] ?? "",
    name: decodeURIComponent(name),
    subresource: parts["subresource"] ?? "",
    path: url.pathname,
    query: url.searchParams,
  };
  return {
    ...call,
    verb: call.resource === "" ? "other" : verbOf(method, contentType, url.searchParams, parts["name"]),
  };
}

export function isWrite(call: ApiCall): call is ApiCall & Pick<ApiWrite, "verb"> {
  return ["create", "replace", "patch", "apply", "delete"].includes(call.verb);
}

function verbOf(
  method: string,
  contentType: string,
  query: URLSearchParams,
  name: string | undefined,
): ApiCall["verb"] {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "replace";
    case "PATCH":
      return contentType.includes("apply-patch") ? "apply" : "patch";
    case "DELETE":
      return "delete";
    case "GET":
      if (["true", "1"].includes(query.get("watch") ?? "")) return "watch";
      return name === undefined ? "list" : "get";
    default:
      return "other";
  }
}

function nameIn(body: unknown): string {
  if (typeof body !== "object" || body === null || !("metadata" in body)) return "";
  const { metadata } = body;
  if (typeof metadata !== "object" || metadata === null || !("name" in metadata)) return "";
  return String(metadata.name);
}
