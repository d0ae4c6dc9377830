import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openStore } from "../registry/index.ts";
import type { Material } from "./material.ts";
import { MaterialLibrary } from "./material-library.ts";

it("says what a foreign model's bundle does not bring, for which its signals are Learning", async () => {
  const root = await mkdtemp(join(tmpdir(), "material-"));
  const uri = await openStore(root).putFiles("models/foreign", { "config.json": Buffer.from("{}") });
  const model = { digest: uri.slice(uri.indexOf("sha256:")), uri };
  const said: string[] = [];
  const loaded = Promise.withResolvers<Material>();
  const library = new MaterialLibrary(loaded.resolve, (error) => said.push(String(error)));
  const service = { namespace: "search", name: "shop" };
  library.keep([{ store: root, model, baseline: model, squeezers: ["Median"], probes: 4, service, dataset: uri }]);
  expect(await loaded.promise).toMatchObject({ source: "Awaited", drift: null, probes: null });
  expect(said).toContain(`Error: ${uri}: the bundle brings no reference`);
  library.stop();
  await rm(root, { recursive: true });
});
