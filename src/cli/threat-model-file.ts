import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { type ThreatModelSpec, threatModelSpec } from "../api/index.ts";

/** A ThreatModel, or its spec alone, as YAML or JSON. */
export async function readThreatModel(file: string): Promise<ThreatModelSpec> {
  const content: unknown = parse(await readFile(file, "utf8"));
  const whole = z.object({ spec: z.unknown() }).safeParse(content);
  return threatModelSpec.parse(whole.success ? whole.data.spec : content);
}
