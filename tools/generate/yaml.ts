import { stringify } from "yaml";

/** YAML as people read it: no anchors, no folded lines in the middle of a rule. */
export function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 120, aliasDuplicateObjects: false });
}
