# Every target works on a fresh clone: npm brings Node 24 itself, servers and libraries are built once into
# ~/.cache/evenkeel (EVENKEEL_CACHE names another folder).
IMAGE ?= evenkeel:dev
BUILDER ?= $(firstword $(foreach tool,docker podman buildah,$(if $(shell command -v $(tool)),$(tool))))

.DEFAULT_GOAL := help
.PHONY: help demo test check native servers generate image

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: node_modules servers ## The whole story on a real control plane (JSON=FILE, KEEP=1, CLUSTER=current IMAGE=…)
	@npm run --silent native -- --optional
	@KEEP='$(KEEP)' CLUSTER='$(CLUSTER)' IMAGE='$(if $(CLUSTER),$(IMAGE))' npm run --silent demo -- $(if $(JSON),--json '$(JSON)')

test: node_modules ## Everything: check, unit, integration, end to end
	@npm run --silent test

check: node_modules ## Format, types, lint, import rules, dead code, generated files, unit tests: under a minute
	@npm run --silent check

native: node_modules ## Build the native TensorFlow backend once (python3 with pip, unzip, g++)
	@npm run --silent native

servers: node_modules ## Build etcd, Kubernetes, Prometheus, helm once (Go)
	@npm run --silent servers

generate: node_modules ## Write CRDs, manifests and reference pages from the schemas
	@npm run --silent generate

image: ## Build the three images with docker, podman or buildah (IMAGE=name:tag)
	@test -n '$(BUILDER)' || { echo 'image: install docker, podman or buildah' >&2; exit 1; }
	$(BUILDER) build --target operator -t $(IMAGE) .
	$(BUILDER) build --target trainer -t $(IMAGE)-trainer .
	$(BUILDER) build --target trainer-gpu -t $(IMAGE)-trainer-gpu .

# Left alone once it exists: whoever changes dependencies runs npm themselves.
node_modules:
	npm ci
