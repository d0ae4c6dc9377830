import { describe, expect, it } from "vitest";
import { type DocumentRoutes, routedPath } from "./document-routes.ts";

const byPath = { pathPrefix: "/documents" };
const byHeader = { header: { name: "X-Client-Kind", value: "indexer" } };
const indexer = { "x-client-kind": "indexer" };

describe("routedPath", () => {
  it.each<[string, string, Record<string, string>, DocumentRoutes, boolean, string]>([
    ["no route", "/v1/embeddings", {}, [], false, "/v1/embeddings"],
    ["evenkeel's header", "/v1/embeddings", { "x-evenkeel-route": "Documents" }, [], true, "/v1/embeddings"],
    ["a prefix", "/documents/v1/embeddings?a=1", {}, [byPath], true, "/v1/embeddings?a=1"],
    ["nothing but a prefix", "/documents?a=1", {}, [byPath], true, "/?a=1"],
    ["a longer segment", "/documents2/v1/embeddings", {}, [byPath], false, "/documents2/v1/embeddings"],
    ["a header", "/v1/embeddings", indexer, [byHeader], true, "/v1/embeddings"],
    ["another value", "/v1/embeddings", { "x-client-kind": "search" }, [byHeader], false, "/v1/embeddings"],
    [
      "one half of a route",
      "/documents/v1/embeddings",
      {},
      [{ ...byPath, ...byHeader }],
      false,
      "/documents/v1/embeddings",
    ],
    ["both halves", "/documents/v1/embeddings", indexer, [{ ...byPath, ...byHeader }], true, "/v1/embeddings"],
    [
      "two routes, of which the second has the prefix",
      "/documents/v1/embeddings",
      indexer,
      [byHeader, byPath],
      true,
      "/v1/embeddings",
    ],
    ["the second route", "/v1/embeddings", indexer, [byPath, byHeader], true, "/v1/embeddings"],
  ])("%s", (_, url, headers, routes, documents, sent) => {
    expect(routedPath({ url, headers }, routes)).toEqual({ documents, url: sent, misnamed: null });
  });

  it.each([
    ["queries", null],
    ["DOCUMENTS", null],
    ["document", "document"],
    ["documents, documents", "documents, documents"],
    ["", ""],
  ])("tells a slip in evenkeel's header: %j", (value, misnamed) => {
    expect(routedPath({ url: "/", headers: { "x-evenkeel-route": value } }, [])).toMatchObject({ misnamed });
  });
});
