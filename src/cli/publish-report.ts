import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { reportBytes, reportKey } from "../api/index.ts";
import type { Store } from "../registry/index.ts";

/** Where the operator has made room for a run's report: EVENKEEL_REPORT in the pod's namespace. */
export type ReportPlace = { readonly namespace: string; readonly name: string };

export function reportPlace(environment: NodeJS.ProcessEnv): ReportPlace | null {
  const { EVENKEEL_REPORT: name, POD_NAMESPACE: namespace } = environment;
  return name && namespace ? { namespace, name } : null;
}

/**
 * Puts a report, without its pictures, where people find it who have no store at hand (decision 29). It is for them alone:
 * an evaluation whose report cannot be written there has not failed.
 *
 * @returns what became of it, in words
 */
export async function publishReport(store: Store, uri: string, { namespace, name }: ReportPlace): Promise<string> {
  const where = `ConfigMap ${namespace}/${name}`;
  try {
    const whole: unknown = JSON.parse(await readFile(join(await store.resolve(uri), "report.json"), "utf8"));
    const text = JSON.stringify(whole);
    const bytes = Buffer.byteLength(text);
    if (bytes > reportBytes) return `the report is in the store only: ${bytes} bytes are too many for ${where}`;
    const { configMaps, connect } = await import("../kube/index.ts");
    const kube = await connect({ fieldManager: "evenkeel-evaluate" });
    try {
      await kube.mergePatch(configMaps, { namespace, name }, { data: { [reportKey]: text } }, { timeoutMs: 10_000 });
    } finally {
      await kube.close();
    }
    return `the report is in ${where} too`;
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    return `the report is in the store only, not in ${where}: ${because}`;
  }
}
