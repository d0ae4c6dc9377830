/**
 * Rules that the API server checks in CEL, and how it merges lists. They ride on a schema by `.meta()` and come out in
 * the CRD (decision 38). A message names the field; `fieldPath` points to it.
 */
export interface Rule {
  /** CEL; `self` is the value that the schema describes. */
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: `.${string}`;
  readonly reason?: "FieldValueRequired" | "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueDuplicate";
}

export function rules(...list: readonly Rule[]): { "x-kubernetes-validations": readonly Rule[] } {
  return { "x-kubernetes-validations": list };
}

/** For a value that is never changed once it is there. */
export const immutable: Rule = { rule: "self == oldSelf", message: "is immutable: make a new object instead" };

/** Entries are told apart by these fields, so that they are unique and that server-side apply merges them. */
export function keyedBy(...keys: readonly string[]) {
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys } as const;
}

export const asSet = { "x-kubernetes-list-type": "set" } as const;

/** At most so many entries of a map: CEL's cost and the status's size are bounded by it. */
export function atMost(maxProperties: number) {
  return { maxProperties } as const;
}

/**
 * A rule about durations that says nothing while one of them is none: that is for its pattern to say, and to read it as a
 * number would only add an error that names no field.
 *
 * @param fields  CEL of strings
 */
export function onDurations(fields: readonly string[], rule: string): string {
  const malformed = fields.map((field) => `!${field}.matches('^[0-9]+[smhd]$')`);
  return `${malformed.join(" || ")} || ${rule}`;
}

/**
 * CEL for a duration's length in seconds. CEL's own `duration("30d")` is an error, as Go knows no days.
 *
 * @param field  CEL of a string of the form `^[0-9]+(s|m|h|d)$`
 */
export function seconds(field: string): string {
  const number = `int(${field}.substring(0, ${field}.size() - 1))`;
  return `${number} * (${field}.endsWith('d') ? 86400 : ${field}.endsWith('h') ? 3600 : ${field}.endsWith('m') ? 60 : 1)`;
}
