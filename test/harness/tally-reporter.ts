import { appendFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import type { SkippedTest, Tally } from "../../tools/tally.ts";

/** Adds one line with the run's tally to the file that EVENKEEL_TALLY names; a file that cannot be loaded has failed. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const file = process.env.EVENKEEL_TALLY;
    if (!file) return;
    let passed = 0;
    let failed = errors.length;
    const skipped: SkippedTest[] = [];
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed += 1;
        else if (state === "failed") failed += 1;
        else skipped.push({ test: `${module.moduleId}: ${test.fullName}`, reason: reasonOf(test) });
      }
    }
    appendFileSync(file, `${JSON.stringify({ passed, failed, skipped } satisfies Tally)}\n`);
  }
}

/** `it.skipIf` takes no reason, so a test that skips says why with `context.skip("GPU: …")`. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  return result.state === "skipped" ? (result.note ?? "") : "";
}
