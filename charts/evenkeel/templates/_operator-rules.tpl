{{/*
What the operator may do in each namespace that it works in. One list for a ClusterRole and for Roles.
*/}}
{{- define "evenkeel.operatorRules" -}}
# The user's objects: read; the finalizer is a change of metadata.
- apiGroups: [evenkeel.dev]
  resources: [embeddingservices, threatmodels]
  verbs: [get, list, watch, patch, update]
# Made by the operator; their specs are immutable.
- apiGroups: [evenkeel.dev]
  resources: [retrainings, modelversions, modelrollouts]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [evenkeel.dev]
  resources:
    - embeddingservices/status
    - threatmodels/status
    - retrainings/status
    - modelversions/status
    - modelrollouts/status
  verbs: [get, patch, update]
# For owner references that block deletion.
- apiGroups: [evenkeel.dev]
  resources:
    - embeddingservices/finalizers
    - threatmodels/finalizers
    - retrainings/finalizers
    - modelversions/finalizers
    - modelrollouts/finalizers
  verbs: [update]
# One field of the user's workload, candidates, gateways.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get, list, watch]
# Training and evaluation.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, update, delete]
# Results come as termination messages.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# Of the gateway: routing, reports, state; audit segments.
- apiGroups: [""]
  resources: [configmaps, services, serviceaccounts]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, delete]
# Whether something else catches a candidate's pods.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch]
# Whether the store can be mounted by all.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch]
# CA and Authorization header of a service's Prometheus. Names come from the services, so that they cannot stand here.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# Gateways and Jobs get these two roles and no other: the operator may bind them, and cannot widen them.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [evenkeel-gateway, evenkeel-job]
  verbs: [bind]
{{- end }}
