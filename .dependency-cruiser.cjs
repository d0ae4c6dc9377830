/** Who may import whom. The reasons stand in CONTRIBUTING.md, "The map of the house". */
const only = (name, from, to) => ({
  name,
  severity: "error",
  from: { path: "^src/", pathNot: from },
  to: { path: to },
});
const never = (name, from, to) => ({ name, severity: "error", from: { path: from }, to: { path: to } });

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
    never("api-imports-nothing-of-ours", "^src/api/", "^src/(?!api/)"),
    never("metrics-imports-nothing-of-ours", "^src/metrics/", "^src/(?!metrics/)"),
    never("monitor-imports-api-at-most", "^src/monitor/", "^src/(?!monitor/|api/)"),
    never("audit-and-registry-never-import-kube", "^src/(audit|registry)/", "^src/kube/"),
    never("kube-knows-nothing-of-evenkeel", "^src/kube/", "^src/(?!kube/)"),
    never("operator-starts-jobs-and-reads-reports", "^src/operator/", "^src/(model|training|evaluation|gateway)/"),
    never("decide-is-pure", "^src/operator/.*/(decide|resources)\\.ts$", "^(node:|src/(kube|signals|metrics)/)"),
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
