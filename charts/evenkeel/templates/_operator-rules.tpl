{{/*
What the operator may do in each namespace that it works in. One list for a ClusterRole and for Roles.
*/}}
{{- define "evenkeel.operatorRules" -}}
# The user's objects. The patch is for the finalizer.
- apiGroups: [evenkeel.dev]
  resources: [embeddingservices]
  verbs: [get, list, watch, patch]
- apiGroups: [evenkeel.dev]
  resources: [threatmodels]
  verbs: [get, list, watch]
# Made by the operator; their specs are immutable. A rollout can be aborted. What is beyond a service's historyLimit goes.
- apiGroups: [evenkeel.dev]
  resources: [retrainings, modelversions]
  verbs: [get, list, watch, create, delete]
- apiGroups: [evenkeel.dev]
  resources: [modelrollouts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [evenkeel.dev]
  resources:
    - embeddingservices/status
    - threatmodels/status
    - retrainings/status
    - modelversions/status
    - modelrollouts/status
  verbs: [update]
# Owner references that block deletion, where the cluster asks for the right to set them.
- apiGroups: [evenkeel.dev]
  resources:
    - embeddingservices/finalizers
    - retrainings/finalizers
    - modelversions/finalizers
    - modelrollouts/finalizers
  verbs: [update]
# One field of the user's workload; pools of a candidate; gateways.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, update, delete]
# Training and evaluation.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# Results come as termination messages.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Routing, reports and state of the gateways, audit segments. The patch is to be given to gateways, see
# below, and clears the reports of those that are gone.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, update, patch]
# The gateways' Services and accounts.
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [get, list, watch, create, update]
# Made for the gateways, who may hold their own and make none.
# Update on all of them: RBAC lets nobody give what he does not hold, and names that follow from services cannot stand here.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, update]
# Whether something else catches a candidate's pods.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list]
# Whether the store can be mounted by all.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list, watch]
# CA and Authorization header of a service's Prometheus. Names come from the services, so that they cannot stand here.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# A Role for the gateways of each service, by the names of its objects. Without `bind` and `escalate` the API server lets the
# operator give nothing that is not in this list.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, watch, create, update]
{{- end }}
