import type { StoreUri } from "../../src/api/index.ts";
import type { Demo } from "./demo.ts";
import { script } from "./process.ts";
import { type Quality, quality } from "./record.ts";

const known = new Map<string, Quality>();

/** Measures a version on images that nothing else has seen, in the index of the first model. */
export async function prove(demo: Demo, uri: StoreUri): Promise<Quality> {
  const measured = known.get(uri);
  if (measured) return measured;
  demo.story.say("measuring on images that nothing else has seen");
  const models = { model: await demo.stage.artefact(uri), first: await demo.stage.artefact(demo.first) };
  const proven = await script("scripts/prove.ts", models, quality);
  known.set(uri, proven);
  const { clean, shifted, robust, oldIndexRecall, samples, attacked } = proven;
  const line = [`clean ${clean.toFixed(3)}`, `shifted ${shifted.toFixed(3)}`, `under attack ${robust.toFixed(3)}`];
  demo.story.say(
    `${line.join(", ")}, old-index recall ${oldIndexRecall.toFixed(3)} (${samples} images, ${attacked} attacked)`,
  );
  return proven;
}
