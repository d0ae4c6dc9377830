/** Crafts adversarial images against one model: half move away from themselves, half pose as somebody else. */
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { craftAttacks } from "../../../src/evaluation/index.ts";
import { embedAll, loadEncoder, startBackend } from "../../../src/model/index.ts";
import { mnist, take } from "../mnist.ts";

const request = z
  .object({ model: z.string(), count: z.int(), epsilon: z.number(), file: z.string() })
  .parse(JSON.parse(process.argv[2] ?? ""));
await startBackend();
const model = await loadEncoder(request.model);
const { attack } = await mnist();
const half = Math.floor(request.count / 2);
const rows = Array.from({ length: request.count }, (_, i) => i);
const moving = take(attack, rows.slice(0, half));
const posing = take(attack, rows.slice(half));
const { epsilon } = request;
const away = craftAttacks(model, moving.pixels, { epsilon, steps: 40, seed: 21 });
const vectors = embedAll(model, posing.pixels);
const { dimension } = model.network;
// Everyone poses as the next one along.
const targets = Float32Array.from([...vectors.subarray(dimension), ...vectors.subarray(0, dimension)]);
const posed = craftAttacks(model, posing.pixels, { epsilon, steps: 40, seed: 22, targets });
await writeFile(request.file, Buffer.concat([away, posed]));
console.log(JSON.stringify({ crafted: request.count }));
