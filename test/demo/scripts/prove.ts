/** Measures one model with kNN in the first model's index of gallery images. Prints a Quality. */
import { z } from "zod";
import { craftAttacks } from "../../../src/evaluation/index.ts";
import { cappedRecall, nearest, vote } from "../../../src/evaluation/neighbours.ts";
import { embedAll, loadEncoder, startBackend } from "../../../src/model/index.ts";
import { squeezers } from "../manifests.ts";
import { mnist, side, take } from "../mnist.ts";
import { seeded } from "../random.ts";
import type { Quality } from "../record.ts";
import { crookedScanner, shifted } from "../shift.ts";

const request = z.object({ model: z.string(), first: z.string() }).parse(JSON.parse(process.argv[2] ?? ""));
await startBackend();
const model = await loadEncoder(request.model);
const first = await loadEncoder(request.first);
const { gallery, proof } = await mnist();
const index = { vectors: embedAll(first, gallery.pixels), dimension: first.network.dimension };

const rows = proof.sources.map((_, i) => i);
const attacked = take(proof, rows.slice(0, 200));
const right = (pixels: Uint8Array, labels: Int32Array): boolean[] =>
  [...vote(nearest(embedAll(model, pixels), index), gallery.labels)].map((label, i) => label === labels[i]);
const share = (hits: readonly boolean[]): number => hits.filter(Boolean).length / hits.length;

// Crafted anew against this very model: away from itself, towards somebody else's vector, and
// that through the squeezers; right only if all fail.
const epsilon = 0.1;
const size = side * side;
const others = embedAll(model, attacked.pixels);
const targets = Float32Array.from(others);
const d = first.network.dimension;
for (let i = 0; i < attacked.sources.length; i++) {
  let other = (i + 1) % attacked.sources.length;
  while (attacked.labels[other] === attacked.labels[i]) other = (other + 1) % attacked.sources.length;
  targets.set(others.subarray(other * d, (other + 1) * d), i * d);
}
const moved = craftAttacks(model, attacked.pixels, { epsilon, steps: 40, seed: 11 });
const posing = craftAttacks(model, attacked.pixels, { epsilon, steps: 40, seed: 12, targets });
// The attacker knows the gateway's consistency probe: the squeezed copies are taken for the other, too.
const unseen = craftAttacks(model, attacked.pixels, { epsilon, steps: 40, seed: 13, targets, squeezers });
const outcomes = [moved, posing, unseen].map((pixels) => right(pixels, attacked.labels));
const againstAll = rows.slice(0, attacked.sources.length).map((i) => outcomes.every((hits) => hits[i] === true));

const recall = cappedRecall(nearest(embedAll(model, proof.pixels), index), proof.labels, gallery.labels);
const quality: Quality = {
  clean: share(right(proof.pixels, proof.labels)),
  shifted: share(right(shifted(proof, crookedScanner, seeded(14)).pixels, proof.labels)),
  robust: share(againstAll),
  oldIndexRecall: recall.reduce((sum, value) => sum + value, 0) / recall.length,
  samples: proof.pixels.length / size,
  attacked: attacked.sources.length,
};
console.log(JSON.stringify(quality));
