import { type Condition, longestConditionMessage } from "../api/index.ts";

export type Saying = {
  readonly type: string;
  /** null: unknown */
  readonly holds: boolean | null;
  readonly reason: string;
  readonly message: string;
  readonly generation: number;
};

/** Conditions with one set; its transition time moves only when its status changes. */
export function withCondition(
  conditions: readonly Condition[],
  { type, holds, reason, message, generation }: Saying,
  now: string,
): Condition[] {
  const status = holds === null ? "Unknown" : holds ? "True" : "False";
  const before = conditions.find((condition) => condition.type === type);
  const next: Condition = {
    type,
    status,
    reason,
    message: message.slice(0, longestConditionMessage),
    observedGeneration: generation,
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
  };
  return before ? conditions.map((condition) => (condition === before ? next : condition)) : [...conditions, next];
}
