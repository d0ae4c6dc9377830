/** Result of one run of tests or checks. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly SkippedTest[];
}

export interface SkippedTest {
  readonly test: string;
  /** What the test gave as reason, empty when it gave none. */
  readonly reason: string;
}

export interface Summary {
  /** The last line of a test run: `N passed, N failed, N skipped`. */
  readonly line: string;
  /** Skips that count as failures. */
  readonly unexcused: readonly SkippedTest[];
  readonly succeeded: boolean;
}

/**
 * Sums up runs.
 *
 * In CI a skip is a failure, unless its reason starts with `GPU`: no test may vanish unseen, and CI has no GPU.
 */
export function summarise(tallies: readonly Tally[], inCi: boolean): Summary {
  const skipped = tallies.flatMap((tally) => tally.skipped);
  const unexcused = inCi ? skipped.filter(({ reason }) => !reason.startsWith("GPU")) : [];
  const passed = sum(tallies.map((tally) => tally.passed));
  const failed = sum(tallies.map((tally) => tally.failed)) + unexcused.length;
  return {
    line: `${passed} passed, ${failed} failed, ${skipped.length - unexcused.length} skipped`,
    unexcused,
    succeeded: failed === 0 && passed > 0,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
