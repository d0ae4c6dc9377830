import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { jsonOf } from "../api/index.ts";
import { readDescription } from "../registry/index.ts";

/** What is taken where a bundle does not say: as many as training here ever uses, twice over. */
const unknownSteps = 10;

const entry = z.object({ attackSteps: z.int().min(0) });

/** Most steps of training's inner attack, by the bundle's own log; 10 where there is none. */
export async function attackStepsOf(folder: string): Promise<number> {
  const description = await readDescription(folder).catch(() => null);
  if (!description?.perturbationLog) return unknownSteps;
  const log = await readFile(join(folder, description.perturbationLog.file), "utf8").catch(() => "");
  const steps = log.split("\n").flatMap((line) => entry.safeParse(jsonOf(line)).data?.attackSteps ?? []);
  return steps.length > 0 ? Math.max(...steps) : unknownSteps;
}
