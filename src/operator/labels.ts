/** Labels, finalizers and field managers, as docs/contracts.md has them. */
export const labels = {
  service: "evenkeel.dev/service",
  gateway: "evenkeel.dev/gateway",
  run: "evenkeel.dev/run",
  role: "evenkeel.dev/role",
  version: "evenkeel.dev/version",
  audit: "evenkeel.dev/audit",
  report: "evenkeel.dev/report",
  managedBy: "app.kubernetes.io/managed-by",
} as const;

export const annotations = {
  /** What the operator last wanted an object to be: a hash, and which fields that were. */
  desired: "evenkeel.dev/desired",
  /** On the Service that is left to clients: the service, `namespace/name`, that left it and may take it back. */
  releasedBy: "evenkeel.dev/released-by",
} as const;

export const finalizers = {
  /** On Jobs until their result is recorded. */
  result: "evenkeel.dev/result",
  /** On services until clients and the workload are left in good order. */
  service: "evenkeel.dev/service",
} as const;

export const fieldManagers = { field: "evenkeel", status: "evenkeel-status" } as const;
