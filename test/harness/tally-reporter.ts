import { appendFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

/** One line a finished run in the file that EVENKEEL_TALLY names. `node tools/tally.ts` sums them up. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly test: string; readonly reason: string }[];
}

/** Counts tests, and keeps why each skipped one was skipped. A file that cannot be loaded counts as a failure. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const file = process.env.EVENKEEL_TALLY;
    if (!file) return;
    let passed = 0;
    let failed = errors.length;
    const skipped: { test: string; reason: string }[] = [];
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed += 1;
        else if (result.state === "failed") failed += 1;
        else skipped.push({ test: `${module.moduleId}: ${test.fullName}`, reason: reasonOf(test) });
      }
    }
    appendFileSync(file, `${JSON.stringify({ passed, failed, skipped } satisfies Tally)}\n`);
  }
}

function reasonOf(test: { result: () => { note?: string | undefined } | { state: string } }): string {
  const result = test.result();
  return "note" in result ? (result.note ?? "") : "";
}
