/**
 * What an object is to be: what is wanted over what is there. Fields that others have added stay, and those of the operator
 * that are wanted no longer go. A list is one value: it is wanted as a whole.
 *
 * Server-side apply does as much, but only for what was created by it, and that would take over whatever has the name
 * already. What `create` has stored belongs to an update, and an apply could never take a field of it away.
 *
 * @param before  shape of what was wanted last
 */
export function merge(actual: unknown, before: unknown, wanted: unknown): unknown {
  const there = fieldsOf(actual);
  const next = fieldsOf(wanted);
  if (!there || !next) return wanted;
  const last = fieldsOf(before);
  const merged = new Map(next);
  for (const [field, value] of there) {
    if (next.has(field)) merged.set(field, merge(value, last?.get(field), next.get(field)));
    else if (!last?.has(field)) merged.set(field, value);
    else if (fieldsOf(value) && fieldsOf(last.get(field))) {
      const others = merge(value, last.get(field), {});
      if (fieldsOf(others)?.size) merged.set(field, others);
    }
  }
  return Object.fromEntries(merged);
}

/** Which fields are wanted, without their values. */
export function shapeOf(wanted: unknown): unknown {
  const fields = fieldsOf(wanted);
  return fields && Object.fromEntries([...fields].map(([field, value]) => [field, shapeOf(value)]));
}

/** The fields of a map; null for any other value. */
export function fieldsOf(value: unknown): Map<string, unknown> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return new Map(Object.entries(value).filter(([, each]) => each !== undefined));
}
