/** `metav1.Condition`. */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  /** CamelCase, never empty. */
  reason: string;
  message: string;
  observedGeneration?: number | undefined;
  /** When `status` last changed. */
  lastTransitionTime: string;
}

/**
 * Conditions with one set. `lastTransitionTime` moves only when `status` changes; what is the same stays the same object,
 * so that an unchanged status is seen to be unchanged.
 */
export function setCondition(
  conditions: readonly Condition[],
  condition: Omit<Condition, "lastTransitionTime">,
  now: string,
): Condition[] {
  const before = conditions.find(({ type }) => type === condition.type);
  const next = {
    ...condition,
    lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime : now,
  };
  if (!before) return [...conditions, next];
  const same =
    before.status === next.status &&
    before.reason === next.reason &&
    before.message === next.message &&
    before.observedGeneration === next.observedGeneration;
  return conditions.map((other) => (other.type === condition.type && !same ? next : other));
}

export function removeCondition(conditions: readonly Condition[], type: string): Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | null {
  return conditions?.find((condition) => condition.type === type) ?? null;
}

/** Whether the condition is True, and about this generation when it says which one it is about. */
export function isTrue(conditions: readonly Condition[] | undefined, type: string, generation?: number): boolean {
  const condition = findCondition(conditions, type);
  if (condition?.status !== "True") return false;
  return (
    generation === undefined ||
    condition.observedGeneration === undefined ||
    condition.observedGeneration === generation
  );
}
