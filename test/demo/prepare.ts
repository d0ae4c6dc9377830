import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { storeUri } from "../../src/api/index.ts";
import { threatModel } from "./manifests.ts";
import { script } from "./process.ts";
import type { Story } from "./story.ts";

const prepared = z.object({ reference: storeUri, evaluation: storeUri, initial: storeUri, backend: z.string() });

/** The store that the service begins with. */
export interface Prepared extends Readonly<z.infer<typeof prepared>> {
  readonly folder: string;
  readonly trainSteps: number;
}

/** Datasets and a first model, made once and kept in the user's cache by all that decides them. */
export async function prepareStore(story: Story): Promise<Prepared> {
  const cache = process.env["EVENKEEL_CACHE"] ?? join(homedir(), ".cache/evenkeel");
  const folder = join(cache, "demo", await fingerprint(), "store");
  await mkdir(folder, { recursive: true });
  story.say("datasets and the first model: made once, about a minute; then they come from the cache");
  const request = { folder, families: threatModel().spec.perturbations };
  const answer = await script("scripts/prepare.ts", request, prepared);
  story.good(`the store is ready, the first model was trained on backend ${answer.backend}`);
  return { folder, ...answer, trainSteps: answer.backend === "native" || answer.backend === "gpu" ? 200 : 150 };
}

/** Of the sources that decide the datasets; the first model is kept in the store by all that decides it. */
async function fingerprint(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["mnist.ts", "shift.ts", "datasets.ts", "manifests.ts", "scripts/prepare.ts"]) {
    hash.update(await readFile(join(import.meta.dirname, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
