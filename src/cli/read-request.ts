import { readFile } from "node:fs/promises";
import { whyNotRead } from "../registry/index.ts";

/**
 * The request of a training or an evaluation, as parsed JSON: of a file, else of EVENKEEL_RUN.
 *
 * @param byHand  options by which a person does without a request
 * @throws {Error} that says what to give, or which source is no JSON
 */
export async function readRequest(file: string | undefined, byHand: string): Promise<unknown> {
  if (file !== undefined) {
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      throw new Error(`--run ${file}: ${whyNotRead(error)}`);
    });
    return parsed(text, `--run ${file}`);
  }
  const text = process.env["EVENKEEL_RUN"];
  if (!text) {
    throw new Error(
      `there is no request: give it as JSON in EVENKEEL_RUN or as a file by --run, or do it by hand: ${byHand}; see --help`,
    );
  }
  return parsed(text, "EVENKEEL_RUN");
}

function parsed(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${source} is no JSON: ${why}`, { cause });
  }
}
