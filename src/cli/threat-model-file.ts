import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { type ThreatModelSpec, threatModelSpec } from "../api/index.ts";
import { fieldErrors, inWords, whyNotRead } from "../registry/index.ts";
import { CommandError } from "./command-error.ts";

const whole = z.object({ kind: z.string().optional(), spec: z.unknown() });

/**
 * A ThreatModel, or its spec alone, as YAML or JSON; of a file with several objects the one ThreatModel.
 *
 * @throws {CommandError} naming the file, and the field that is wrong
 */
export async function readThreatModel(file: string): Promise<ThreatModelSpec> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CommandError("notFound", `--threat-model ${file}: ${whyNotRead(error)}`);
  });
  const documents = parseAllDocuments(text);
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken) throw refused(file, broken.message.split("\n")[0]?.replace(/:$/, "") ?? "it is no YAML");
  const objects: unknown[] = documents.map((document) => document.toJS());
  const models = objects.filter((object) => whole.safeParse(object).data?.kind === "ThreatModel");
  const [content] = models.length > 0 ? models : objects;
  if (models.length > 1 || (models.length === 0 && objects.length > 1)) {
    throw refused(file, `it has ${models.length} ThreatModels among ${objects.length} objects: one is needed`);
  }
  const object = whole.safeParse(content);
  const parsed = threatModelSpec.safeParse(object.success ? object.data.spec : content, { error: inWords });
  if (parsed.success) return parsed.data;
  throw refused(file, fieldErrors(parsed.error));
}

function refused(file: string, why: string): CommandError {
  return new CommandError("usage", `--threat-model ${file}: ${why}`);
}
