/** What every pod that evenkeel makes has in common: Pod Security `restricted`, and where the store is. */

export const podSecurityContext = {
  runAsNonRoot: true,
  runAsUser: 65_532,
  runAsGroup: 65_532,
  fsGroup: 65_532,
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
};

export const securityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
};

/** Folder of the store in every pod. */
export const storePath = "/store";

/**
 * The same for captured traffic in a gateway: its claim may be another, and no mount could be made for it inside the store's,
 * which is read-only.
 */
export const trafficPath = "/traffic-store";

export const podEnvironment = [
  field("POD_NAME", "metadata.name"),
  field("POD_NAMESPACE", "metadata.namespace"),
  field("POD_IP", "status.podIP"),
  { name: "EVENKEEL_STORE", value: storePath },
];

/** The root is read-only: what programs write goes here. */
export const scratch = {
  volume: { name: "tmp", emptyDir: {} },
  mount: { name: "tmp", mountPath: "/tmp" },
};

function field(name: string, fieldPath: string) {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}
