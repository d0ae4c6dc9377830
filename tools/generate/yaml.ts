import { stringify } from "yaml";

/** YAML as people read it: no anchors, no folded lines in the middle of a rule. */
export function yaml(value: unknown): string {
  return stringify(value, {
    // Helm and kubectl read YAML 1.1, where a bare n is false.
    compat: "yaml-1.1",
    lineWidth: 120,
    aliasDuplicateObjects: false,
  });
}
