import type { ThreatModel, ThreatModelStatus } from "../../api/index.ts";
import { withCondition } from "../condition.ts";
import { digestOf } from "../identity.ts";
import { instant } from "../instant.ts";
import { problemsOf } from "./problems.ts";

/** What a threat model's status says: its hash, and whether it makes sense. */
export function decide({ metadata, spec, status }: ThreatModel, now: number): ThreatModelStatus {
  const problems = problemsOf(spec);
  const valid = problems.length === 0;
  const conditions = withCondition(
    status.conditions,
    {
      type: "Ready",
      holds: valid,
      reason: valid ? "Valid" : "InvalidThreatModel",
      message: problems.join("; "),
      generation: metadata.generation,
    },
    instant(now),
  );
  const hash = digestOf(spec);
  const same = status.observedGeneration === metadata.generation && status.hash === hash;
  return {
    observedGeneration: metadata.generation,
    hash,
    conditions,
    validatedAt: same && status.validatedAt !== undefined ? status.validatedAt : instant(now),
  };
}
