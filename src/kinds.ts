import {
  type EmbeddingService,
  embeddingService,
  group,
  type ModelRollout,
  type ModelVersion,
  modelRollout,
  modelVersion,
  type Retraining,
  retraining,
  type ThreatModel,
  threatModel,
  version,
} from "./api/index.ts";
import { type Resource, resource } from "./kube/index.ts";

/** The five kinds as resources of the API server: objects are parsed by their schema as they come in. */
export const embeddingServices: Resource<EmbeddingService> = resource({
  group,
  version,
  plural: "embeddingservices",
  kind: "EmbeddingService",
  namespaced: true,
  parse: (object) => embeddingService.parse(object),
});

export const threatModels: Resource<ThreatModel> = resource({
  group,
  version,
  plural: "threatmodels",
  kind: "ThreatModel",
  namespaced: true,
  parse: (object) => threatModel.parse(object),
});

export const retrainings: Resource<Retraining> = resource({
  group,
  version,
  plural: "retrainings",
  kind: "Retraining",
  namespaced: true,
  parse: (object) => retraining.parse(object),
});

export const modelVersions: Resource<ModelVersion> = resource({
  group,
  version,
  plural: "modelversions",
  kind: "ModelVersion",
  namespaced: true,
  parse: (object) => modelVersion.parse(object),
});

export const modelRollouts: Resource<ModelRollout> = resource({
  group,
  version,
  plural: "modelrollouts",
  kind: "ModelRollout",
  namespaced: true,
  parse: (object) => modelRollout.parse(object),
});
