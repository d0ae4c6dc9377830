import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { StoreUri } from "../../src/api/index.ts";
import type { Demo } from "./demo.ts";
import { type Images, take } from "./mnist.ts";
import { script } from "./process.ts";

/** Crafts adversarial images white-box against a version, from images that are used for nothing else. */
export async function craft(demo: Demo, uri: StoreUri): Promise<Images> {
  const count = 400;
  const file = join(demo.dir, "crafted.bin");
  const originals = take(
    demo.images.attack,
    Array.from({ length: count }, (_, i) => i),
  );
  const request = { model: await demo.stage.artefact(uri), count, epsilon: 0.2, file };
  await script("scripts/craft.ts", request, z.object({ crafted: z.literal(count) }));
  return { ...originals, pixels: await readFile(file) };
}
