import type { z } from "zod";
import { embeddingServiceSpec } from "./embedding-service.ts";
import { embeddingServiceStatus } from "./embedding-service-status.ts";
import { modelRolloutSpec, modelRolloutStatus } from "./model-rollout.ts";
import { modelVersionSpec, modelVersionStatus } from "./model-version.ts";
import { retrainingSpec, retrainingStatus } from "./retraining.ts";
import { type Rule, rules } from "./rules.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";
import { threatModelSpec, threatModelStatus } from "./threat-model.ts";
import { group, version } from "./values.ts";

interface PrinterColumn {
  name: string;
  type: "string" | "integer" | "boolean" | "date";
  jsonPath: string;
  description: string;
  /** 1: only with `-o wide`. */
  priority?: 1;
}

/** A CustomResourceDefinition, as the API server takes it. */
export interface CustomResourceDefinition {
  apiVersion: "apiextensions.k8s.io/v1";
  kind: "CustomResourceDefinition";
  metadata: { name: string };
  spec: {
    group: string;
    scope: "Namespaced";
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames: string[];
      categories: string[];
    };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      additionalPrinterColumns: PrinterColumn[];
      selectableFields?: { jsonPath: string }[];
      subresources: { status: Record<string, never> };
      schema: { openAPIV3Schema: StructuralSchema };
    }[];
  };
}

interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
  /** Whether it belongs to a service, and can be selected by it. */
  readonly ofService?: true;
  readonly nameRule: Rule;
}

const age: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "When the object was made.",
};
const service = column("Service", "string", ".spec.serviceRef.name", "The service it belongs to.");
const phase = column("Phase", "string", ".status.phase", "Where it is.");
const reason = column("Reason", "string", ".status.reason", "Why it ended as it did.");
const ready = column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether it is ready.");

function column(
  name: string,
  type: PrinterColumn["type"],
  jsonPath: string,
  description: string,
  wide = false,
): PrinterColumn {
  return { name, type, jsonPath, description, ...(wide ? { priority: 1 } : {}) };
}

/**
 * Names of Jobs, Services and labels are made from the object's name, and those end at 63 characters.
 *
 * @param longest  what is left for the name
 */
function nameAtMost(longest: number, because: string): Rule {
  return {
    rule: `self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= ${longest}`,
    message: `metadata.name must start with a letter, have only lower-case letters, digits and '-', and at most ${longest} characters: ${because}`,
  };
}

const kinds: readonly Kind[] = [
  {
    kind: "EmbeddingService",
    plural: "embeddingservices",
    shortName: "es",
    description:
      "An embedding service to keep on an even keel: which workload serves it, how it is watched, what sets off " +
      "protection and retraining, what a new model must prove, and how it is rolled out.",
    spec: embeddingServiceSpec,
    status: embeddingServiceStatus,
    columns: [
      phase,
      ready,
      column("Model", "string", ".status.activeVersion.name", "The version that is active."),
      column("Retraining", "string", ".status.retraining.phase", "Phase of the run under way."),
      column("Weight", "integer", ".status.rollout.weight", "Percentage of requests that the candidate answers."),
      column("Protecting", "boolean", ".status.protection.active", "Whether protection is on.", true),
      column("Workload", "string", ".spec.workloadRef.name", "The workload that serves.", true),
      age,
    ],
    nameRule: nameAtMost(43, "the names of its Retrainings' Jobs are made from it"),
  },
  {
    kind: "ThreatModel",
    plural: "threatmodels",
    shortName: "tm",
    description: "What a model must withstand: families of changes to its inputs with budgets, and resilience targets.",
    spec: threatModelSpec,
    status: threatModelStatus,
    columns: [
      column("Modality", "string", ".spec.modality", "What inputs are."),
      ready,
      column("Hash", "string", ".status.hash", "Hash of the spec, by which runs name it.", true),
      age,
    ],
    nameRule: nameAtMost(63, "it is used as a label"),
  },
  {
    kind: "Retraining",
    plural: "retrainings",
    shortName: "rt",
    description:
      "One run of training, evaluation and gates for one cause. The operator makes it, or `evenkeel retrain`. Its spec is " +
      "immutable: it holds copies of all that the run depends on.",
    spec: retrainingSpec,
    status: retrainingStatus,
    columns: [
      service,
      column("Cause", "string", ".spec.cause.class", "Class of the cause."),
      phase,
      reason,
      column("Version", "string", ".status.modelVersion", "The ModelVersion that came out.", true),
      age,
    ],
    ofService: true,
    nameRule: nameAtMost(54, "the names of its Jobs are made from it"),
  },
  {
    kind: "ModelVersion",
    plural: "modelversions",
    shortName: "mv",
    description: "One immutable model of a service, by digest, with where it came from. The operator makes it.",
    spec: modelVersionSpec,
    status: modelVersionStatus,
    columns: [
      service,
      phase,
      column("Retraining", "string", ".spec.retrainingRef.name", "The run that made it."),
      column("Digest", "string", ".spec.digest", "Its digest.", true),
      age,
    ],
    ofService: true,
    nameRule: nameAtMost(63, "it is used as a label"),
  },
  {
    kind: "ModelRollout",
    plural: "modelrollouts",
    shortName: "mr",
    description:
      "One move of a service from a model to another, in steps under analysis. The operator makes it, or `evenkeel " +
      "promote` and `evenkeel rollback`. Only paused, abort and approvals can be changed.",
    spec: modelRolloutSpec,
    status: modelRolloutStatus,
    columns: [
      service,
      column("To", "string", ".spec.to.version", "The version that takes over."),
      phase,
      column("Step", "integer", ".status.step", "Index of the step under way.", true),
      column("Weight", "integer", ".status.weight", "Percentage of requests that the candidate answers."),
      reason,
      age,
    ],
    ofService: true,
    nameRule: nameAtMost(63, "it is used as a label"),
  },
];

/** The CustomResourceDefinitions of the five kinds. */
export function crds(): CustomResourceDefinition[] {
  return kinds.map(crd);
}

function crd(kind: Kind): CustomResourceDefinition {
  const singular = kind.kind.toLowerCase();
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${kind.plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular,
        shortNames: [kind.shortName],
        categories: ["evenkeel"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: [...kind.columns],
          ...(kind.ofService ? { selectableFields: [{ jsonPath: ".spec.serviceRef.name" }] } : {}),
          subresources: { status: {} },
          schema: { openAPIV3Schema: rootSchema(kind) },
        },
      ],
    },
  };
}

function rootSchema(kind: Kind): StructuralSchema {
  return {
    description: kind.description,
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `The version of this schema: ${group}/${version}.` },
      kind: { type: "string", description: `The kind: ${kind.kind}.` },
      metadata: { type: "object" },
      spec: structuralSchema(kind.spec, "spec", true),
      status: structuralSchema(kind.status, "status", false),
    },
    "x-kubernetes-validations": [...rules(kind.nameRule)["x-kubernetes-validations"]],
  };
}
