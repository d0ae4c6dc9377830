import { type EmbeddingService, embeddingService } from "../api/index.ts";

const digest = `sha256:${"a".repeat(64)}`;

/** The service `search/shop` with no more than it must have, for tests of what follows from it. */
export function serviceFixture(change: { metadata?: object; spec?: object; status?: object } = {}): EmbeddingService {
  return embeddingService.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "EmbeddingService",
    metadata: { name: "shop", namespace: "search", uid: "u", generation: 1, ...change.metadata },
    spec: {
      workloadRef: { name: "embedder" },
      port: 8080,
      protocol: "TEI",
      model: { container: "main", env: "MODEL_URI" },
      store: { claimName: "store" },
      dataset: { reference: `store://data/shop@${digest}` },
      monitoring: { prometheus: { url: "http://prometheus:9090" } },
      ...change.spec,
    },
    status: change.status,
  });
}
