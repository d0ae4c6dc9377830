import { z } from "zod";
import type { GateVerdict, ModelRollout, Retraining } from "../../src/api/index.ts";

/** Quality of a model on images that nothing else has seen, by kNN in the index that the first model made. */
export const quality = z.object({
  /** accuracy on the old domain, 0 to 1 */
  clean: z.number(),
  /** accuracy on the shifted domain */
  shifted: z.number(),
  /** accuracy under attacks crafted anew against this very model, one of them adaptive through the squeezers */
  robust: z.number(),
  /** recall@10 of new queries in the first model's index of old documents, relevant when of the same digit */
  oldIndexRecall: z.number(),
  samples: z.number(),
  /** of these, the ones that attacks were crafted from */
  attacked: z.number(),
});
export type Quality = z.infer<typeof quality>;

/** One act: what was expected, what came, and when (seconds since the demo's start). */
export type ActRecord = {
  readonly name: string;
  readonly expected: string;
  outcome: string;
  asExpected: boolean;
  times: { onset?: number; detection?: number; retraining?: number; gates?: number; promotion?: number; end?: number };
  falseAlarmsBeforeOnset: number;
  quality: { before?: Quality; after?: Quality };
  runs: { name: string; phase: string; reason: string; gates: readonly GateVerdict[]; jobs: readonly string[] }[];
  rollouts: {
    name: string;
    phase: string;
    reason: string;
    message: string;
    weights: ModelRollout["status"]["weights"];
  }[];
  /** facts of this act alone, such as the share of attacks caught */
  facts: Record<string, number | string | boolean>;
  jobsCreated: number;
  auditEntries: number;
  auditVerified: boolean;
};

export type DemoRecord = {
  readonly startedAt: string;
  seconds: number;
  readonly cluster: string;
  readonly backend: string;
  /** images shared by any two of training, gates, gallery, traffic, attacks and proof */
  readonly overlap: number;
  readonly acts: ActRecord[];
  passed: boolean;
};

export function act(name: string, expected: string): ActRecord {
  return {
    name,
    expected,
    outcome: "not reached",
    asExpected: false,
    times: {},
    falseAlarmsBeforeOnset: 0,
    quality: {},
    runs: [],
    rollouts: [],
    facts: {},
    jobsCreated: 0,
    auditEntries: 0,
    auditVerified: false,
  };
}

export function addRun(record: ActRecord, { metadata, status }: Retraining): void {
  const jobs = [status.train, status.evaluate].flatMap((job) => (job ? [job.name] : []));
  record.runs.push({ name: metadata.name, phase: status.phase, reason: status.reason, gates: status.gates, jobs });
}

export function addRollout(record: ActRecord, { metadata, status }: ModelRollout): void {
  const { phase, reason, message, weights } = status;
  record.rollouts.push({ name: metadata.name, phase, reason, message, weights });
}
