import { jsonOf, type Retraining, reportKey, reportName } from "../api/index.ts";
import { configMaps, isKubeError, type Kube } from "../kube/index.ts";

/** What a run's evaluation left of its report for those who have no store; null when it left nothing, or we may not look. */
export async function publishedReport(
  kube: Pick<Kube, "get">,
  { metadata: { namespace, name } }: Retraining,
): Promise<unknown> {
  try {
    const found = await kube.get(configMaps, { namespace, name: reportName(name) });
    return jsonOf(found?.data?.[reportKey]);
  } catch (error) {
    if (isKubeError(error, "Forbidden")) return null;
    throw error;
  }
}
