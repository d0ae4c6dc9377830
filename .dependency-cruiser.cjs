const { mayImport } = require("./tools/import-map.ts");

/** Who may import whom. The reasons stand in CONTRIBUTING.md, "The map of the house". */
const only = (name, from, to) => ({
  name,
  severity: "error",
  from: { path: "^src/", pathNot: from },
  to: { path: to },
});
const never = (name, from, to) => ({ name, severity: "error", from: { path: from }, to: { path: to } });

/** Tests wire what they need. */
const besides = "\\.(test|fixture)\\.ts$";
const placeOf = (folder) => `^src/${folder}(/|\\.ts$)`;

/** Of a kind's folder all is rules and builders, synchronous and free of I/O, but for the shell around them. */
const shell = "allow-report|apply|checks|evaluate-signals|observe|prune|reconcile|release|report|stalled|take-back";
const rules = { path: "^src/operator/[^/]+/", pathNot: [besides, `/(${shell})\\.ts$`] };
const shellOfAll =
  "audit-trail|caches|controllers|ensure|field-owner|gateways|health|log|occurrences|ports|run|save|sources";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-junk-drawers",
      severity: "error",
      from: {},
      to: { path: "(^|/)(utils?|helpers?|common)(/|\\.ts$)", pathNot: "node_modules" },
    },
    {
      name: "src-never-imports-test",
      severity: "error",
      from: { path: "^src/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(test|bench|tools)/" },
    },
    ...Object.entries(mayImport).map(([folder, allowed]) => ({
      name: `${folder}-imports-${allowed.join("-") || "nothing-of-ours"}`,
      severity: "error",
      from: { path: placeOf(folder), pathNot: besides },
      to: { path: "^src/", pathNot: [folder, ...allowed].map(placeOf) },
    })),
    {
      name: "every-folder-is-on-the-map",
      severity: "error",
      from: { path: "^src/", pathNot: [...Object.keys(mayImport).map(placeOf), "^src/(cli/|main\\.ts$)"] },
      to: {},
    },
    never("nothing-imports-the-command-line", "^src/(?!cli/|main\\.ts$)", "^src/(cli/|main\\.ts$)"),
    // What two kinds share stands beside them in src/operator.
    {
      name: "no-kind-leans-on-another",
      severity: "error",
      from: { path: "^src/operator/([^/]+)/", pathNot: besides },
      to: { path: "^src/operator/[^/]+/", pathNot: "^src/operator/$1/" },
    },
    never(
      "only-the-controllers-know-the-kinds",
      "^src/operator/(?!controllers\\.|.*\\.test\\.)[^/]+\\.ts$",
      "^src/operator/[^/]+/",
    ),
    {
      name: "rules-are-pure",
      severity: "error",
      from: rules,
      to: {
        path: ["^src/(kube|metrics)/", `^src/operator/(${shellOfAll})\\.ts$`, `^src/operator/[^/]+/(${shell})\\.ts$`],
      },
    },
    // The holds of signals are pure; asking Prometheus is not.
    {
      name: "rules-ask-no-prometheus",
      severity: "error",
      from: { ...rules, pathNot: [...rules.pathNot, "/signal-state\\.ts$"] },
      to: { path: "^src/signals/" },
    },
    { name: "rules-use-no-node", severity: "error", from: rules, to: { dependencyTypes: ["core"] } },
    only("only-kube-imports-client-node", "^src/kube/", "node_modules/@kubernetes/client-node"),
    only("only-numerics-import-tfjs", "^src/(model|training|evaluation)/", "node_modules/@tensorflow"),
    only("only-metrics-and-gateway-import-prom-client", "^src/(metrics|gateway)/", "node_modules/prom-client"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
