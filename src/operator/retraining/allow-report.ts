import type { Retraining } from "../../api/index.ts";
import { configMaps, type Stored } from "../../kube/index.ts";
import { create, ensure, isStalled } from "../ensure.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import { evaluationRole, evaluationRoleBinding, evaluationServiceAccount, reportConfigMap } from "./report-objects.ts";

/** Reports are in no cache, where each would take half a megabyte. */
const uncached = { resource: configMaps, get: () => null, hasSeen: () => true };

/** What an evaluation needs to write its report, before its Job is made. */
export async function allowReport(turn: Turn, run: Stored<Retraining>): Promise<Stalled | null> {
  const { caches } = turn;
  const report = await create(turn, uncached, reportConfigMap(run), run);
  return (
    (isStalled(report) ? report : null) ??
    (await ensure(turn, caches.serviceAccounts, evaluationServiceAccount(run), run)) ??
    (await ensure(turn, caches.roles, evaluationRole(run), run)) ??
    (await ensure(turn, caches.roleBindings, evaluationRoleBinding(run), run))
  );
}
