import { describe, expect, it } from "vitest";
import { gatewayConfig } from "../../../src/api/index.ts";
import { verifyChain } from "../../../src/audit/index.ts";
import type { ConfigMap } from "../../../src/kube/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { useLoop } from "./loop.ts";
import { digestOf, drift, drifted, half, models, paths, service } from "./shop.ts";

const loop = useLoop();
const { api, begin, byHand, chain, holding, rollouts, shop, until } = loop;

describe("what cannot be written meanwhile", () => {
  /** The API server has no segment of the namespace's trails written, until it is told to have them again. */
  const refuseSegments = async (uid: string): Promise<() => Promise<void>> => {
    const admission = "/apis/admissionregistration.k8s.io/v1";
    const name = `no-trail-${loop.namespace}`;
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] };
    await api.create(`${admission}/validatingadmissionpolicies`, {
      metadata: { name },
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": loop.namespace } },
          resourceRules: [rule],
        },
        validations: [{ expression: "!object.metadata.name.startsWith('evenkeel-audit-')", message: "no room" }],
      },
    });
    await api.create(`${admission}/validatingadmissionpolicybindings`, {
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"] },
    });
    const segment = `${paths(loop.namespace).configMaps}/evenkeel-audit-${uid}-0`;
    await waitFor("segments to be refused", async () => {
      const annotations = { "test/touched": new Date().toISOString() };
      return api.patch(segment, { metadata: { annotations } }).then(
        () => false,
        (error: unknown) => String(error).includes("no room"),
      );
    });
    return async () => {
      await api.delete(`${admission}/validatingadmissionpolicybindings/${name}`);
      await api.delete(`${admission}/validatingadmissionpolicies/${name}`);
    };
  };

  /** A rollout that holds; from `strike` on the service is attacked, and half of the candidate's answers are errors. */
  const holdingUntilStruck = async () => {
    let struck = false;
    loop.prometheus.script = (query) => {
      if (query.includes("evenkeel_monitor")) return drifted(query);
      return [{ value: query === "attacks" ? Number(struck) : struck ? 0.5 : 0 }];
    };
    const attack = { name: "attack", promql: "attacks", above: 0.5, then: "Protect" };
    const { triggers } = service(loop.namespace, loop.prometheus.url).spec;
    await begin({ spec: { rollout: half, triggers: [...triggers, attack] } });
    await holding();
    return () => {
      struck = true;
    };
  };

  it("a trail that cannot be written holds back no protection and no rollback, and loses nothing of them", async () => {
    const strike = await holdingUntilStruck();
    const { metadata } = await waitFor("the trail to be up to date", async () => {
      const now = await shop();
      return now.status.audit.pending.length === 0 && now;
    });
    const allow = await refuseSegments(metadata.uid);
    try {
      await byHand("one", "replaced");
      await waitFor("the trail to be missed", async () =>
        (await shop()).status.conditions.some(
          ({ reason, status }) => reason === "AuditNotWritten" && status === "True",
        ),
      );
      await until("the rollout to be held", rollouts, ({ status }) =>
        status.conditions.some(({ type, reason }) => type === "Progressing" && reason === "AuditNotWritten"),
      );
      strike();
      const told = async () => {
        const { data } = await api.get<ConfigMap>(`${paths(loop.namespace).configMaps}/shop-gateway`);
        return gatewayConfig.parse(JSON.parse(data?.["gateway.json"] ?? "null"));
      };
      await waitFor("the gateways to protect", async () => (await told()).protection.active);
      await waitFor("the gateways to leave the candidate", async () => (await told()).routing.candidate === null);
      const back = await until("the rollout to be over", rollouts, ({ status }) => status.phase === "RolledBack");
      expect(back.status.reason).toBe("AnalysisFailed");
      expect((await shop()).status.holding?.reason).toBe("AuditNotWritten");
    } finally {
      await allow();
    }
    const { seq, head } = await waitFor("the trail to have caught up", async () => {
      const { audit, conditions } = (await shop()).status;
      const waiting = (await rollouts()).flatMap(({ status }) => status.decisions);
      const stuck = conditions.some(({ reason }) => reason === "AuditNotWritten");
      return !stuck && audit.pending.length === 0 && waiting.length === 0 && audit;
    });
    const entries = await chain(metadata.uid);
    expect(verifyChain(entries, { seq, head })).toMatchObject({ kind: "Whole" });
    const kinds = entries.map(({ kind }) => kind);
    for (const kind of ["RunCancelled", "ProtectionStarted", "RollbackStarted", "RolledBack"]) {
      expect(kinds.filter((each) => each === kind)).toEqual([kind]);
    }
  });

  it("a webhook on Deployments that is down holds back no protection and no rollback", async () => {
    const strike = await holdingUntilStruck();
    const webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    await api.create(webhooks, {
      metadata: { name: loop.namespace },
      webhooks: [
        {
          name: "down.example.com",
          // Nobody listens there.
          clientConfig: { url: "https://127.0.0.1:9/" },
          rules: [
            { apiGroups: ["apps"], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["deployments"] },
          ],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": loop.namespace } },
          failurePolicy: "Fail",
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    });
    try {
      const touch = { metadata: { annotations: { "test/touched": "yes" } } };
      await waitFor("the webhook to be asked", async () =>
        api.patch(`${paths(loop.namespace).workload}?dryRun=All`, touch).then(
          () => false,
          (error: unknown) => String(error).includes("down.example.com"),
        ),
      );
      // A status is no matter of the webhook's: the workload's version changes, and who owns its field is asked anew.
      await api.patchStatus(paths(loop.namespace).workload, touch);
      await waitFor("the ownership to be unknown", async () =>
        (await shop()).status.conditions.some(({ type, status }) => type === "Promotable" && status === "Unknown"),
      );
      strike();
      await until("the rollout to be over", rollouts, ({ status }) => status.phase === "RolledBack");
      const { data } = await api.get<ConfigMap>(`${paths(loop.namespace).configMaps}/shop-gateway`);
      const told = gatewayConfig.parse(JSON.parse(data?.["gateway.json"] ?? "null"));
      expect(told.routing.candidate).toBeNull();
      await waitFor("the service to protect", async () => (await shop()).status.protection?.active);
    } finally {
      await api.delete(`${webhooks}/${loop.namespace}`);
    }
  });

  it("a trail that cannot be written is said, nothing is trained or adopted meanwhile, and it goes on whole", async () => {
    await begin({ spec: { triggers: drift("quiet") } });
    const { metadata } = await waitFor("the first version", async () => {
      const now = await shop();
      return now.status.activeVersion !== undefined && now.status.audit.pending.length === 0 && now;
    });
    const path = `${paths(loop.namespace).configMaps}/evenkeel-audit-${metadata.uid}-0`;
    await api.patch(path, { immutable: true });
    await byHand("one", "replaced");
    const stalled = await waitFor("the trail to be missed", async () => {
      const { status } = await shop();
      const [said] = status.conditions.filter(({ type, status: holds }) => type === "Stalled" && holds === "True");
      return said?.reason === "AuditNotWritten" && status;
    });
    expect(stalled.phase).toBe("Stalled");
    expect(stalled.audit.pending.map(({ kind }) => kind)).toEqual(["RunCancelled"]);
    // It would be adopted, were anything decided.
    const mine = `store://models/mine@${digestOf("mine")}`;
    const container = { name: "main", image: "embedder", env: [{ name: "MODEL_URI", value: mine }] };
    await api.patch(paths(loop.namespace).workload, { spec: { template: { spec: { containers: [container] } } } });
    const lookedAt = async () => (await (await fetch(`${loop.operator.url}/metrics`)).text()).match(reconciled)?.[1];
    const reconciled = /evenkeel_operator_reconciles_total\{kind="EmbeddingService",outcome="Stalled"\} (\d+)/;
    const before = Number(await lookedAt());
    await waitFor("the operator to have looked again", async () => Number(await lookedAt()) > before);
    expect((await shop()).status.activeVersion?.uri).toBe(models.first);

    // No segment may be missed while it is put right, or the operator begins it anew.
    loop.operator.signal("SIGSTOP");
    const { data, metadata: segment } = await api.get<ConfigMap>(path);
    await api.delete(path);
    await api.create(paths(loop.namespace).configMaps, {
      metadata: { name: segment.name, labels: segment.labels },
      data,
    });
    loop.operator.signal("SIGCONT");
    const { status } = await waitFor("their model to be adopted", async () => {
      const now = await shop();
      return now.status.activeVersion?.uri === mine && now.status.audit.pending.length === 0 && now;
    });
    expect(status.conditions.map(({ reason }) => reason)).not.toContain("AuditNotWritten");
    const { seq, head } = status.audit;
    expect(verifyChain(await chain(metadata.uid), { seq, head })).toMatchObject({ kind: "Whole" });
  });
});
