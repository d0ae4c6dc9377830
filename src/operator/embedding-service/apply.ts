import { type EmbeddingService, type EmbeddingServiceStatus, gatewayReportsName } from "../../api/index.ts";
import { modelRollouts } from "../../kinds.ts";
import { configMaps, type Stored } from "../../kube/index.ts";
import { create, ensure, isStalled, unlessFailed } from "../ensure.ts";
import { digestOf } from "../identity.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import { setField } from "../set-field.ts";
import type { Decision } from "./decide.ts";
import {
  gatewayConfigMap,
  gatewayDeployment,
  gatewayDisruptionBudget,
  gatewayLease,
  gatewayNotebooks,
  gatewayRole,
  gatewayRoleBinding,
  gatewayServiceAccount,
} from "./gateway-objects.ts";
import { prune } from "./prune.ts";
import { adoptedVersion, gatewayConfigOf, retrainingOf, rolloutOf } from "./resources.ts";
import { isSeeding } from "./status.ts";
import { ensureService } from "./take-back.ts";
import type { Observed } from "./world.ts";

export type Applied = {
  readonly stalled: readonly Stalled[];
  readonly routing: EmbeddingServiceStatus["routing"];
  /** UIDs of what was made by name. */
  readonly made: { readonly retraining?: string; readonly rollout?: string };
};

/** Does what the decision says, each write on its precondition. */
export async function apply(
  turn: Turn,
  service: Stored<EmbeddingService>,
  world: Observed,
  decision: Decision,
): Promise<Applied> {
  const stalled: Stalled[] = [];
  // First: whatever fails, gateways have been told to protect, or to leave a candidate (decision 25).
  const routing = await tellGateways(turn, service, world, decision.status, stalled);
  stalled.push(...(await ensureVersion(turn, service)), ...(await ensureGateway(turn, service, world)));
  for (const problem of [
    await seed(turn, service, world, decision),
    await abort(turn, decision),
    await clearReports(turn, decision),
  ]) {
    if (problem) stalled.push(problem);
  }
  const retraining = await makeRun(turn, service, world, decision, stalled);
  const rollout = await makeRollout(turn, service, world, decision, stalled);
  await prune(turn, service, world);
  return { stalled, routing, made: { ...(retraining ? { retraining } : {}), ...(rollout ? { rollout } : {}) } };
}

/** Versions that no run made are the service's to make. */
async function ensureVersion(turn: Turn, service: Stored<EmbeddingService>): Promise<Stalled[]> {
  const { activeVersion } = service.status;
  const { namespace } = service.metadata;
  if (!activeVersion) return [];
  const target = { namespace, name: activeVersion.name };
  if (turn.caches.modelVersions.get(target) || turn.caches.modelVersions.unreadable(target)) return [];
  const made = await create(turn, turn.caches.modelVersions, adoptedVersion(service, activeVersion), service);
  return isStalled(made) ? [made] : [];
}

async function ensureGateway(turn: Turn, service: Stored<EmbeddingService>, world: Observed): Promise<Stalled[]> {
  if (!service.status.activeVersion || !world.workload) return [];
  const { caches, settings } = turn;
  const answers = [
    ...(await inTurn(gatewayNotebooks(service), (notebook) => ensure(turn, caches.configMaps, notebook, service))),
    await ensure(turn, caches.serviceAccounts, gatewayServiceAccount(service), service),
    await ensure(turn, caches.leases, gatewayLease(service), service),
    await ensure(turn, caches.roles, gatewayRole(service), service),
    await ensure(turn, caches.roleBindings, gatewayRoleBinding(service), service),
    await ensureService(turn, service),
    await ensure(turn, caches.disruptionBudgets, gatewayDisruptionBudget(service), service),
  ];
  // Gateways start when they have been told something.
  if (world.config) {
    answers.push(await ensure(turn, caches.deployments, gatewayDeployment(service, settings.image), service));
  }
  return answers.filter((answer) => answer !== null);
}

async function inTurn<Item, Answer>(items: readonly Item[], act: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const item of items) answers.push(await act(item));
  return answers;
}

/** The generation is raised when anything else differs, and never goes back, not even when the ConfigMap was deleted. */
async function tellGateways(
  turn: Turn,
  service: Stored<EmbeddingService>,
  world: Observed,
  status: EmbeddingServiceStatus,
  stalled: Stalled[],
): Promise<EmbeddingServiceStatus["routing"]> {
  const { workload, config } = world;
  const before = service.status.routing;
  if (!workload) return before;
  const named = world.rollout?.metadata.name === status.rollout?.name ? world.rollout : null;
  const asked = gatewayConfigOf(service, status, workload, named);
  if (!asked) return before;
  // Of a rollout that cannot be read nothing is known: what gateways were told of it stands.
  const keep = !named && world.unreadable.rollout && config;
  const wanted = keep ? { ...asked, routing: { ...asked.routing, candidate: config.routing.candidate } } : asked;
  const hash = digestOf(wanted);
  const told = config ? { generation: config.generation, hash: hashOf(config) } : null;
  const last = Math.max(told?.generation ?? 0, before?.generation ?? 0);
  const generation = told?.hash === hash ? told.generation : last + 1;
  const text = JSON.stringify({ generation, ...wanted });
  const problem = await ensure(turn, turn.caches.configMaps, gatewayConfigMap(service, text), service);
  if (!problem) return { generation, hash };
  stalled.push(problem);
  return before;
}

function hashOf(config: NonNullable<Observed["config"]>): string {
  return digestOf(Object.fromEntries(Object.entries(config).filter(([field]) => field !== "generation")));
}

async function seed(
  turn: Turn,
  service: EmbeddingService,
  { workload }: Observed,
  { retraining }: Decision,
): Promise<Stalled | null> {
  if (retraining.kind !== "Seed" || !workload || !isSeeding(service, retraining.uri)) return null;
  return await setField(turn, service, workload, retraining.uri);
}

async function abort({ kube, caches, writes, key, signal }: Turn, { restoration }: Decision): Promise<Stalled | null> {
  if (restoration.kind !== "Abort") return null;
  const { namespace, name, resourceVersion } = restoration.rollout.metadata;
  const patch = { spec: { abort: true } };
  const options = { resourceVersion, signal };
  const patched = await unlessFailed(() => kube.mergePatch(modelRollouts, { namespace, name }, patch, options));
  if (isStalled(patched)) return patched;
  writes.wrote(key, caches.modelRollouts, patched);
  return null;
}

/** Gateways leave their last report behind, as only the operator knows when it was taken in. */
async function clearReports(
  { kube, caches, writes, key, signal }: Turn,
  { spentReports }: Decision,
): Promise<Stalled | null> {
  const target = { namespace: key.namespace, name: gatewayReportsName(key.name) };
  const reports = caches.configMaps.get(target);
  if (!reports || spentReports.length === 0) return null;
  const { resourceVersion } = reports.metadata;
  const patch = { data: Object.fromEntries(spentReports.map((name) => [name, null])) };
  const patched = await unlessFailed(() => kube.mergePatch(configMaps, target, patch, { resourceVersion, signal }));
  if (isStalled(patched)) return patched;
  writes.wrote(key, caches.configMaps, patched);
  return null;
}

async function makeRun(
  turn: Turn,
  service: Stored<EmbeddingService>,
  world: Observed,
  { retraining }: Decision,
  stalled: Stalled[],
): Promise<string | undefined> {
  if (retraining.kind !== "Create" || !world.threatModel) return undefined;
  const run = retrainingOf(world, world.threatModel, retraining.cause, retraining.model);
  const made = await create(turn, turn.caches.retrainings, run, service);
  if (!isStalled(made)) return made.metadata.uid;
  stalled.push(made);
  return undefined;
}

async function makeRollout(
  turn: Turn,
  service: Stored<EmbeddingService>,
  { unreadable }: Observed,
  { status }: Decision,
  stalled: Stalled[],
): Promise<string | undefined> {
  const rollout = rolloutOf(service);
  // Another may have taken its place just now.
  if (!rollout || unreadable.rollout || status.rollout?.name !== rollout.metadata.name) return undefined;
  const made = await create(turn, turn.caches.modelRollouts, rollout, service);
  if (!isStalled(made)) return made.metadata.uid;
  stalled.push(made);
  return undefined;
}
