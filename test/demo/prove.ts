import type { StoreUri } from "../../src/api/index.ts";
import type { Demo } from "./demo.ts";
import { script } from "./process.ts";
import type { Quality } from "./record.ts";

const known = new Map<string, Quality>();

/** Measures a version on images that nothing else has seen, in the index of the first model. */
export async function prove(demo: Demo, uri: StoreUri): Promise<Quality> {
  const measured = known.get(uri);
  if (measured) return measured;
  demo.story.say("measuring on images that nothing else has seen");
  const quality = await script<Quality>("scripts/prove.ts", {
    model: await demo.stage.artefact(uri),
    first: await demo.stage.artefact(demo.first),
  });
  known.set(uri, quality);
  const { clean, shifted, robust, oldIndexRecall } = quality;
  const line = [`clean ${clean.toFixed(3)}`, `shifted ${shifted.toFixed(3)}`, `under attack ${robust.toFixed(3)}`];
  demo.story.say(`${line.join(", ")}, old-index recall ${oldIndexRecall.toFixed(3)} (${quality.samples} images)`);
  return quality;
}
