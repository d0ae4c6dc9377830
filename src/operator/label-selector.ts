import type { Deployment } from "./objects.ts";

/** A Kubernetes LabelSelector. An empty one selects everything. */
export type LabelSelector = NonNullable<Deployment["spec"]>["selector"];

type Labels = Readonly<Record<string, string>>;
type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

/** A label is a value that its key must be in: all that a selector says is said in expressions. */
function requirementsOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector): readonly Requirement[] {
  const labels = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: "In", values: [value] }));
  return [...labels, ...matchExpressions];
}

/** As the API server takes it in a query, the same for the same requirements. */
export function selectorText(selector: LabelSelector): string {
  return requirementsOf(selector).map(requirementText).sort().join(",");
}

function requirementText({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case "In":
      return `${key} in (${values.toSorted().join(",")})`;
    case "NotIn":
      return `${key} notin (${values.toSorted().join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    default:
      throw unknown(operator);
  }
}

/** Whether it selects an object with these labels. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const found = new Map(Object.entries(labels));
  return requirementsOf(selector).every((requirement) => holds(requirement, found.get(requirement.key)));
}

function holds({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      throw unknown(operator);
  }
}

/** Without every label that it speaks of. One that only rules labels out still selects what is left. */
export function withoutSelected(labels: Labels, selector: LabelSelector): Record<string, string> {
  const spokenOf = new Set(requirementsOf(selector).map(({ key }) => key));
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !spokenOf.has(key)));
}

/**
 * What a Service can select by, which knows no expressions: those of the pods' labels that the selector asks for; all of
 * them when it asks for none.
 */
export function serviceSelector(selector: LabelSelector, podLabels: Labels): Record<string, string> {
  const required = new Set(requirementsOf(selector).flatMap(({ key, operator }) => (asks(operator) ? [key] : [])));
  return Object.fromEntries(Object.entries(podLabels).filter(([key]) => required.size === 0 || required.has(key)));
}

function asks(operator: string): boolean {
  return operator === "In" || operator === "Exists";
}

function unknown(operator: string): TypeError {
  return new TypeError(`label selector: operator ${operator} is none of In, NotIn, Exists, DoesNotExist`);
}
