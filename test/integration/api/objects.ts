import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Record<string, unknown>;
}

const folder = join(import.meta.dirname, "../../../deploy/samples");

/** Files of deploy/samples with what they hold. */
export function samples(): [file: string, objects: Manifest[]][] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml") && file !== "kustomization.yaml")
    .map((file) => [file, read(file)]);
}

function read(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document): Manifest => document.toJS());
}

function sample(file: string, kind: string): Manifest {
  const found = read(file).find((object) => object.kind === kind);
  if (!found) throw new Error(`${file} has no ${kind}`);
  return found;
}

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const model = (digit: string) => ({ digest: digest(digit), uri: `store://models/products@${digest(digit)}` });
const apiVersion = "evenkeel.dev/v1alpha1";
const serviceRef = { name: "products" };

/** A valid object of every kind, to be spoilt one field at a time. */
export const valid = {
  EmbeddingService: sample("images.yaml", "EmbeddingService"),
  VectorService: sample("vectors.yaml", "EmbeddingService"),
  ThreatModel: sample("images.yaml", "ThreatModel"),
  VectorThreatModel: sample("vectors.yaml", "ThreatModel"),
  Retraining: {
    apiVersion,
    kind: "Retraining",
    metadata: { name: "products-0123456789" },
    spec: {
      serviceRef,
      cause: { id: "0123456789", class: "Drift", trigger: "drift", at: "2026-11-24T06:00:00Z" },
      parent: model("a"),
      baseline: model("a"),
      threatModel: {
        name: "shop-images",
        hash: digest("b"),
        perturbations: [{ name: "crafted", family: "Linf", kind: "Adversarial", epsilon: 0.03 }],
      },
      dataset: { reference: `store://data/shop@${digest("c")}`, evaluation: `store://data/eval@${digest("d")}` },
      evaluationData: "Labelled",
      seed: 7,
      trainer: {},
      placement: {},
      gates: [{ name: "clean", metric: "CleanAccuracy", test: "NonInferiority" }],
      alpha: 0.05,
      claimName: "evenkeel-store",
      maxDuration: "4h",
    },
  },
  ModelVersion: {
    apiVersion,
    kind: "ModelVersion",
    metadata: { name: "products-aaaaaaaaaaaa" },
    spec: { serviceRef, identity: "Digest", ...model("a") },
  },
  ModelRollout: {
    apiVersion,
    kind: "ModelRollout",
    metadata: { name: "products-bbbbbbbbbbbb-1" },
    spec: {
      serviceRef,
      from: { version: "products-aaaaaaaaaaaa", ...model("a") },
      to: { version: "products-bbbbbbbbbbbb", ...model("b") },
      policy: {},
    },
  },
} as const satisfies Record<string, Manifest>;

export type ValidName = keyof typeof valid;

/** What a spoilt copy says at one path: `undefined` takes the field away. */
export type Change = readonly [path: string, value: unknown];

/** A deep copy with some fields changed: `spec.triggers.0.for`. */
export function changed(object: Manifest, ...changes: readonly Change[]): Manifest {
  const copy = structuredClone(object);
  for (const [path, value] of changes) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let place: object = copy;
    for (const key of keys) {
      if (!Reflect.has(place, key)) Reflect.set(place, key, {});
      place = Reflect.get(place, key);
    }
    if (value === undefined) Reflect.deleteProperty(place, last);
    else Reflect.set(place, last, value);
  }
  return copy;
}

const plurals: Readonly<Record<string, string>> = {
  EmbeddingService: "embeddingservices",
  ThreatModel: "threatmodels",
  Retraining: "retrainings",
  ModelVersion: "modelversions",
  ModelRollout: "modelrollouts",
};

export function collection(namespace: string, kind: string): string {
  return `/apis/${apiVersion}/namespaces/${namespace}/${plurals[kind]}`;
}
