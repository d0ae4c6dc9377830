import { z } from "zod";
import { conditions, objectMeta } from "./object.ts";
import { rolloutPolicy } from "./rollout-policy.ts";
import { asSet, immutable, keyedBy, rules, seconds } from "./rules.ts";
import { evaluationData, gate, placement, resources, trainer } from "./training.ts";
import {
  digest,
  duration,
  entryName,
  group,
  instant,
  objectName,
  positiveDuration,
  storeUri,
  version,
} from "./values.ts";

const keySelector = z
  .object({
    name: objectName.describe("The Secret's name, in the same namespace."),
    key: z.string().min(1).max(253).describe("The key in the Secret."),
  })
  .describe("A key of a Secret of the same namespace.");

const prometheus = z
  .object({
    url: z
      .string()
      .regex(/^https?:\/\/[^\s?#@]+$/, "must be an http or https URL without user, query and fragment")
      .max(512)
      .describe("Base URL; it must be on the operator's allow-list."),
    caSecretRef: keySelector.optional().describe("CA certificate in PEM."),
    authorizationSecretRef: keySelector.optional().describe("Value of the Authorization header."),
  })
  .describe("The Prometheus that scrapes the gateway.")
  .meta(
    rules({
      rule: "!has(self.caSecretRef) || self.url.startsWith('https://')",
      message: "caSecretRef is only for an https url",
      fieldPath: ".caSecretRef",
      reason: "FieldValueForbidden",
    }),
  );

const monitoring = z
  .object({
    mode: z.enum(["Gateway"]).default("Gateway").describe("Where vectors are seen: in the gateway."),
    block: positiveDuration
      .default("1m")
      .describe("Length of a statistics block; longer than your traffic's bursts (decision 1)."),
    minVectors: z.int().min(8).max(100_000).default(30).describe("Vectors a block needs to count."),
    falseAlarms: z
      .object({
        atMost: z.number().min(0.01).max(1000).default(1).describe("Expected false alarms …"),
        per: positiveDuration.default("30d").describe("… in this period."),
      })
      .prefault({})
      .describe("The false-alarm budget, over all signals of the service."),
    canaries: z
      .object({
        count: z.int().min(1).max(128).default(64).describe("Fixed inputs that are embedded again on each pod."),
        every: positiveDuration.default("60s").describe("How often."),
      })
      .prefault({})
      .describe("Canary probes: they tell a changed model from changed data."),
    consistency: z
      .object({
        sample: z
          .number()
          .min(0)
          .max(1)
          .default(0.05)
          .describe("Share of requests whose inputs are embedded again, squeezed."),
        squeezers: z
          .array(z.enum(["BitDepth", "Median", "BoxBlur", "Quantise"]).describe("A way to squeeze."))
          .min(1)
          .max(4)
          .meta(asSet)
          .default(["Median", "BoxBlur"])
          .describe(
            "How an input may be squeezed; one is drawn at random for each. Quantise is for vectors, the others for images.",
          ),
        minShare: z.number().min(0.001).max(0.9).default(0.1).describe("Share of flagged requests that is an anomaly."),
      })
      .prefault({})
      .describe("The consistency probe, which tells an attack from a drift."),
    prometheus,
  })
  .describe("How the service is watched.")
  .meta(
    rules({
      rule: `${seconds("self.falseAlarms.per")} >= 60 * ${seconds("self.block")}`,
      message: "falseAlarms.per must be at least 60 times block: a budget is spent over many blocks",
      fieldPath: ".falseAlarms.per",
    }),
  );

const traffic = z
  .object({
    capture: z
      .enum(["Off", "On"])
      .default("Off")
      .describe("Whether inputs of requests are kept for retraining. Off: no input leaves the gateway."),
    sample: z.number().min(0.0001).max(1).default(0.01).describe("Share of inputs that is kept."),
    ttl: positiveDuration.default("7d").describe("How long they are kept."),
    clientKey: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .max(64)
      .optional()
      .describe("Request header that names the client. Without it traffic is at most 10% of a set."),
  })
  .describe("Capture of traffic into the store.");

const trigger = z
  .object({
    name: entryName.describe("A name for the trigger."),
    signal: z
      .enum(["RepresentationDrift", "AdversarialAnomaly", "ShiftFromBaseline", "ModelChanged"])
      .optional()
      .describe("A built-in signal. One of signal, promql and schedule is set."),
    promql: z.string().min(1).max(2048).optional().describe("A query of your own that gives one number."),
    above: z.number().optional().describe("promql: fires above this."),
    below: z.number().optional().describe("promql: fires below this."),
    for: duration.default("0s").describe("How long it must hold, in observed time."),
    schedule: z
      .string()
      .regex(/^[-0-9A-Za-z*/,]+( [-0-9A-Za-z*/,]+){4}$/, "must be a cron expression of five fields")
      .min(9)
      .max(64)
      .optional()
      .describe("A cron expression of five fields: minute, hour, day of month, month, day of week."),
    timeZone: z
      .string()
      .regex(/^[A-Za-z0-9_+/-]+$/, "must be an IANA time zone such as Europe/Berlin")
      .max(64)
      .optional()
      .describe("IANA time zone of the schedule; UTC when absent."),
    then: z
      .enum(["Retrain", "Protect", "ProtectAndRetrain", "Report"])
      .describe("What it sets off. Report only shows in status, events and metrics."),
  })
  .describe("Something that sets off protection or retraining.")
  .meta(
    rules(
      {
        rule: "[has(self.signal), has(self.promql), has(self.schedule)].filter(set, set).size() == 1",
        message: "exactly one of signal, promql and schedule must be set",
        fieldPath: ".signal",
      },
      {
        rule: "!has(self.promql) || has(self.above) || has(self.below)",
        message: "promql needs above or below: what it is compared with",
        fieldPath: ".above",
        reason: "FieldValueRequired",
      },
      {
        rule: "has(self.promql) || !(has(self.above) || has(self.below))",
        message: "above and below are only for promql: a built-in signal has its own threshold",
        fieldPath: ".above",
        reason: "FieldValueForbidden",
      },
      {
        rule: "!has(self.above) || !has(self.below) || self.below <= self.above",
        message: "below must not be larger than above: every value would fire",
        fieldPath: ".below",
      },
      {
        rule: "!has(self.timeZone) || has(self.schedule)",
        message: "timeZone is only for schedule",
        fieldPath: ".timeZone",
        reason: "FieldValueForbidden",
      },
      {
        rule: "!has(self.schedule) || self.then == 'Retrain'",
        message: "then must be Retrain for a schedule",
        fieldPath: ".then",
      },
    ),
  );
export type Trigger = z.infer<typeof trigger>;

export const embeddingServiceSpec = z
  .object({
    workloadRef: z
      .object({
        kind: z.enum(["Deployment"]).default("Deployment").describe("The workload's kind."),
        name: objectName.describe("The workload's name, in the same namespace."),
      })
      .meta(rules(immutable))
      .describe("The workload that serves embeddings."),
    port: z.int().min(1).max(65_535).describe("The port that its pods serve on."),
    protocol: z
      .enum(["OpenAI", "TEI"])
      .describe("OpenAI: POST /v1/embeddings. TEI: POST /embed of text-embeddings-inference."),
    modality: z
      .enum(["Image", "Vector"])
      .default("Image")
      .describe("What inputs are. Image: data URIs with PNG. Vector: arrays of numbers."),
    model: z
      .object({
        container: z.string().min(1).max(63).describe("The container (or init container) that has the variable."),
        env: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
          .max(128)
          .describe(
            "The environment variable that holds the model's URI: the one field of the workload that evenkeel owns.",
          ),
        initial: storeUri
          .optional()
          .describe("The URI that seeds the variable when the workload's manifest names it without a value."),
      })
      .describe("Where the workload reads which model to serve."),
    store: z
      .object({
        claimName: objectName.describe("PersistentVolumeClaim with the store's files."),
        oneNode: z
          .boolean()
          .default(false)
          .describe("Set when all pods run on one node, so that a ReadWriteOnce claim will do."),
      })
      .describe("The store of bundles, datasets, traffic and reports."),
    dataset: z
      .object({
        reference: storeUri.describe(
          "Inputs that stand for normal traffic: the monitoring reference and the training data.",
        ),
        evaluation: storeUri
          .optional()
          .describe("Inputs that gates are measured on, disjoint from the reference by source."),
        traffic: traffic.prefault({}),
      })
      .describe("The data the service is watched, trained and measured with."),
    monitoring,
    gateway: z
      .object({
        replicas: z.int().min(1).max(50).default(2).describe("Gateway pods."),
        port: z
          .int()
          .min(1)
          .max(65_535)
          .default(8080)
          .describe("The port of the Service NAME-gateway that clients use."),
        resources: resources.prefault({}),
        protection: z
          .object({
            mode: z
              .enum(["Observe", "Tag", "Block"])
              .default("Observe")
              .describe(
                "What happens to a flagged request while protection is on: nothing, a response header, or 422.",
              ),
            maxDelay: z
              .int()
              .min(1)
              .max(10_000)
              .default(100)
              .describe("Milliseconds that an answer may wait for its score; then it passes and is counted."),
            maxBytes: z
              .int()
              .min(1024)
              .max(67_108_864)
              .default(4_194_304)
              .describe("Largest request that is scored; larger ones pass and are counted."),
            releaseAfter: duration.default("15m").describe("How long the signal must be quiet before protection ends."),
          })
          .prefault({})
          .describe("Protection while an attack is on."),
      })
      .prefault({})
      .describe("The gateway in front of the workload; clients opt in by using its Service."),
    triggers: z
      .array(trigger)
      .max(16)
      .meta(keyedBy("name"))
      .default([])
      .describe("What sets off protection or retraining."),
    retraining: z
      .object({
        suspended: z.boolean().default(false).describe("Stops retraining, never protection or rollback."),
        threatModelRef: z
          .object({ name: objectName.describe("The ThreatModel's name.") })
          .describe("What new models must withstand."),
        evaluationData: evaluationData.default("Labelled"),
        trainer: trainer.prefault({}),
        placement: placement.prefault({}),
        cooldown: duration.default("6h").describe("Time between the end of a run and the next start."),
        gpuHours: z
          .object({
            atMost: z.number().min(0).max(100_000).default(40).describe("GPU hours …"),
            per: positiveDuration.default("7d").describe("… in this period."),
          })
          .prefault({})
          .describe(
            "Budget of GPU time for each class of cause (decision 12). Without GPUs a pod's wall time counts as one.",
          ),
        maxDuration: positiveDuration
          .default("4h")
          .describe("Longest time of one Job; it is reserved in the budget beforehand."),
        stopAfterFailures: z
          .int()
          .min(1)
          .max(20)
          .default(3)
          .describe("Failed or rejected runs in a row of one class of cause that open the circuit."),
      })
      .meta(
        rules({
          rule:
            `double(${seconds("self.maxDuration")}) * double(self.placement.gpus > 0 ? self.placement.gpus : 1) ` +
            "<= self.gpuHours.atMost * 3600.0",
          message:
            "gpuHours.atMost must have room for one run: maxDuration times placement.gpus (a pod without GPUs counts as one)",
          fieldPath: ".gpuHours.atMost",
        }),
      )
      .optional()
      .describe("When and how the model is retrained. Absent: the service is watched and protected only."),
    gates: z
      .array(gate)
      .max(16)
      .meta(keyedBy("name"))
      .default([])
      .describe("Objectives of a candidate. Empty: the defaults for the kind of evaluation data."),
    rollout: rolloutPolicy.prefault({}),
  })
  .describe("An embedding service to keep on an even keel.")
  .meta(
    rules(
      {
        rule: "has(self.retraining) || !self.triggers.exists(t, t.then in ['Retrain', 'ProtectAndRetrain'])",
        message: "retraining must be set: a trigger's then is Retrain or ProtectAndRetrain",
        fieldPath: ".retraining",
        reason: "FieldValueRequired",
      },
      {
        rule: "!has(self.retraining) || self.retraining.evaluationData == 'None' || has(self.dataset.evaluation)",
        message: "dataset.evaluation must be set: retraining.evaluationData is not None",
        fieldPath: ".dataset.evaluation",
        reason: "FieldValueRequired",
      },
      {
        rule: "!has(self.dataset.evaluation) || self.dataset.evaluation != self.dataset.reference",
        message:
          "dataset.evaluation must not be dataset.reference: gates are measured on inputs that were never trained on",
        fieldPath: ".dataset.evaluation",
      },
      {
        rule: "self.monitoring.consistency.squeezers.all(s, (s == 'Quantise') == (self.modality == 'Vector'))",
        message:
          "monitoring.consistency.squeezers must fit modality: Quantise for Vector; BitDepth, Median and BoxBlur for Image",
        fieldPath: ".monitoring.consistency.squeezers",
      },
      {
        rule: "!has(self.retraining) || self.retraining.trainer.preset != 'Pretrain' || self.rollout.index != 'RequireCompatible'",
        message:
          "retraining.trainer.preset must be Adapt while rollout.index is RequireCompatible: vectors of a model that is pretrained anew do not work with today's index",
        fieldPath: ".retraining.trainer.preset",
      },
    ),
  );
export type EmbeddingServiceSpec = z.infer<typeof embeddingServiceSpec>;

const verdictKind = z.enum(["Pass", "Fail", "NoData", "SourceError"]);

const signalStatus = z
  .object({
    name: z.string().max(63).describe("The trigger's name."),
    verdict: verdictKind.describe("What the signal said last. Unknown is never a pass and never a fail."),
    value: z.number().nullable().default(null).describe("The measured value."),
    threshold: z.number().nullable().default(null).describe("What it was compared with."),
    since: instant.optional().describe("When this verdict began."),
    failingSince: instant.optional().describe("When it began to fail; kept while the source says nothing."),
    failingFor: z.int().default(0).describe("Seconds of observed failing, up to the last evaluation."),
    evaluatedAt: instant.optional().describe("When it was last evaluated."),
    alarm: z.int().default(0).describe("Number of the alarm, as persisted by the monitor."),
    model: z.string().max(71).default("").describe("Digest of the model that was active then."),
    reason: z.string().max(32).default("").describe("One word for machines: why."),
    message: z.string().max(512).default("").describe("What it means."),
  })
  .describe("The state of one trigger.");
export type SignalStatus = z.infer<typeof signalStatus>;

export const causeClass = z.enum(["Drift", "Attack", "Custom", "Schedule", "Manual"]);
export type CauseClass = z.infer<typeof causeClass>;

export const cause = z
  .object({
    id: z.string().max(64).describe("Hash of trigger, reference digest and alarm number: one cause, one run."),
    class: causeClass.describe("Class of the cause: budgets and the circuit breaker are kept for each."),
    trigger: z.string().max(63).describe("The trigger's name."),
    value: z.number().nullable().default(null).describe("What was measured."),
    threshold: z.number().nullable().default(null).describe("What it was compared with."),
    query: z.string().max(2048).default("").describe("The query that gave it."),
    at: instant.describe("When the cause was recorded."),
    dataDigest: z
      .string()
      .max(71)
      .default("")
      .describe("Digest of the captured data at that time; a latched cause is retried only when it changed."),
  })
  .describe("Why a run was started.");
export type Cause = z.infer<typeof cause>;

const auditEntry = z
  .object({
    seq: z.int().describe("Number in the chain."),
    at: instant.describe("When."),
    kind: z.string().max(64).describe("What was decided."),
    subject: z.string().max(253).describe("The object it is about."),
    detail: z.string().max(2048).describe("Canonical JSON of the facts."),
    prev: digest.describe("Hash of the entry before."),
    hash: digest.describe("Hash of this entry."),
  })
  .describe("An entry of the audit chain.");

export const auditStatus = z
  .object({
    seq: z.int().default(0).describe("Number of the last entry."),
    head: z.string().max(71).default("").describe("Hash of the last entry."),
    segment: z.int().default(0).describe("Number of the segment that entries are written to."),
    taken: z
      .array(
        z
          .object({
            uid: z.string().max(64).describe("UID of the run or rollout."),
            n: z.int().describe("Number of its last decision that is in the chain."),
          })
          .describe("How far one object's decisions were taken in."),
      )
      .max(20)
      .default([])
      .describe("How far the decisions of runs and rollouts were taken in."),
    pending: z.array(auditEntry).max(20).default([]).describe("Entries that are not yet in their segment."),
  })
  .describe("The head of the audit chain.");
export type AuditStatus = z.infer<typeof auditStatus>;

const modelRef = z.object({
  name: z.string().max(253).describe("Name of the ModelVersion."),
  digest: digest.describe("Its digest."),
  uri: z.string().max(512).describe("Its URI."),
});
export type ModelRef = z.infer<typeof modelRef>;

export const embeddingServiceStatus = z
  .object({
    observedGeneration: z.int().optional().describe("The generation of the spec that was last acted on."),
    phase: z
      .string()
      .max(32)
      .default("Pending")
      .describe("One word for the whole: Learning, Steady, Retraining, RollingOut, Protecting, Stalled."),
    conditions,
    activeVersion: modelRef.optional().describe("The model that is active: the truth (decision 36)."),
    baselineVersion: modelRef.optional().describe("The last version that a person approved."),
    firstVersion: modelRef
      .optional()
      .describe("The first version: ShiftFromBaseline is measured against its reference, and never reset."),
    signals: z.array(signalStatus).max(16).meta(keyedBy("name")).default([]).describe("The state of each trigger."),
    cause: cause.optional().describe("The cause that is being worked on; saved before anything is created."),
    lastCauses: z
      .array(
        z
          .object({
            id: z.string().max(64).describe("Its id."),
            dataDigest: z.string().max(71).default("").describe("Digest of the captured data at that time."),
            outcome: z.string().max(32).describe("How it ended."),
            at: instant.describe("When it ended."),
          })
          .describe("A cause that was worked on."),
      )
      .max(20)
      .default([])
      .describe("Causes that were worked on, with their outcome."),
    retraining: z
      .object({
        name: z.string().max(253).describe("Name of the Retraining."),
        uid: z.string().max(64).default("").describe("Its UID, once it was seen."),
        phase: z.string().max(32).describe("Where it is."),
      })
      .optional()
      .describe("The run that is under way."),
    rollout: z
      .object({
        name: z.string().max(253).describe("Name of the ModelRollout."),
        uid: z.string().max(64).default("").describe("Its UID, once it was seen."),
        phase: z.string().max(32).describe("Where it is."),
        to: modelRef.optional().describe("The version that takes over."),
        retraining: z.string().max(253).default("").describe("The run that made the version, if one did."),
        needsApproval: z.string().max(512).default("").describe("Why a person must approve, empty when not."),
        weight: z.int().default(0).describe("Percentage of requests that the candidate answers."),
      })
      .optional()
      .describe("The rollout that is under way."),
    protection: z
      .object({
        active: z.boolean().describe("Whether it is on."),
        since: instant.optional().describe("When it was switched on."),
        quietSince: instant.optional().describe("Since when the signal has been quiet."),
        trigger: z.string().max(63).default("").describe("The trigger that switched it on."),
      })
      .optional()
      .describe("Whether protection is on."),
    schedules: z
      .array(
        z
          .object({
            name: z.string().max(63).describe("The trigger's name."),
            lastScheduled: instant.describe("The last instant that was acted on."),
          })
          .describe("A schedule."),
      )
      .max(16)
      .default([])
      .describe("The last instant of each schedule that was acted on."),
    ledger: z
      .array(
        z
          .object({
            run: z.string().max(253).describe("Name of the Retraining."),
            class: causeClass.describe("Class of its cause."),
            at: instant.describe("When it ended."),
            gpuSeconds: z.number().describe("GPU seconds of all its pods."),
          })
          .describe("What one run used."),
      )
      .max(30)
      .default([])
      .describe("GPU time spent, newest last."),
    failures: z
      .array(
        z
          .object({
            class: causeClass.describe("Class of cause."),
            count: z.int().describe("Runs in a row that failed or were rejected."),
            generation: z.int().default(0).describe("Generation of the spec that they ran under."),
          })
          .describe("Failures of one class."),
      )
      .max(5)
      .default([])
      .describe("Failed or rejected runs in a row, for each class of cause."),
    lastFinished: instant.optional().describe("When the last run ended."),
    holding: z
      .object({
        reason: z.string().max(64).describe("One word for machines: why."),
        message: z.string().max(1024).describe("A sentence for people: why."),
        until: instant.optional().describe("When it is looked at again."),
      })
      .optional()
      .describe("What holds back retraining."),
    routing: z
      .object({
        generation: z.int().describe("Its number."),
        hash: z.string().max(71).describe("Its hash."),
      })
      .optional()
      .describe("The routing that the gateways were last given."),
    evaluationUses: z
      .array(
        z
          .object({
            evaluation: z.string().max(253).describe("URI of the evaluation set."),
            uses: z.int().describe("Promotions that it has decided."),
          })
          .describe("Uses of one evaluation set."),
      )
      .max(20)
      .default([])
      .describe("Promotions each evaluation set has decided (decision 18)."),
    audit: auditStatus.prefault({}).describe("The head of the audit chain."),
  })
  .describe("What the operator says of the service.");
export type EmbeddingServiceStatus = z.infer<typeof embeddingServiceStatus>;

export const embeddingService = z.object({
  apiVersion: z.literal(`${group}/${version}`),
  kind: z.literal("EmbeddingService"),
  metadata: objectMeta,
  spec: embeddingServiceSpec,
  status: embeddingServiceStatus.prefault({}),
});
export type EmbeddingService = z.infer<typeof embeddingService>;
