import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Forks: a harness's servers die with the thread that started them, so that must be a main thread.
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default", "./test/harness/tally-reporter.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // Importing zod, tfjs and the Kubernetes client once a worker, and not once a file, halves the time.
          isolate: false,
          // A simulation that takes a second takes ten on a busy machine; no test asserts a time.
          testTimeout: 60_000,
          include: ["src/**/*.test.ts", "tools/**/*.test.ts", "test/harness/**/*.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/harness/shared-cluster.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/faults/**/*.test.ts", "test/e2e/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
