/**
 * The one gate before a commit, the same in CI: format, types, lint, import rules, dead code, fresh generated files,
 * unit tests. Two steps run at a time; only what fails is printed.
 *
 *     node tools/check.ts
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";

interface Step {
  readonly name: string;
  readonly command: string;
  /** Writes a tally of its own, test by test. */
  readonly tallies?: boolean;
}

/** The longest first, so that two lanes end at about the same time. */
const steps: readonly Step[] = [
  {
    name: "unit tests",
    command: "vitest run --project unit --reporter=dot --reporter=./test/harness/tally-reporter.ts",
    tallies: true,
  },
  { name: "lint", command: "oxlint --type-aware --deny-warnings --report-unused-disable-directives" },
  { name: "import rules", command: "depcruise src --output-type err" },
  { name: "dead code", command: "knip" },
  { name: "types", command: "tsc" },
  { name: "page types", command: "tsc -p src/dashboard/web" },
  { name: "generated files", command: "node tools/generate.ts --check" },
  { name: "format", command: "biome check --reporter=summary ." },
];
const lanes = 2;

async function runStep({ name, command }: Step): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, { shell: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const [code] = await once(child, "close");
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (code !== 0) console.log(`\n${output.trimEnd()}\n`);
  console.log(`${code === 0 ? "ok    " : "FAILED"} ${name.padEnd(16)} ${seconds} s`);
  return code === 0;
}

const waiting = [...steps];
const results: { step: Step; ok: boolean }[] = [];
async function lane(): Promise<void> {
  for (let step = waiting.shift(); step; step = waiting.shift()) results.push({ step, ok: await runStep(step) });
}

const started = performance.now();
await Promise.all(Array.from({ length: lanes }, lane));
const failed = results.filter(({ ok }) => !ok).map(({ step }) => step);
if (process.env.EVENKEEL_TALLY) {
  const own = results.filter(({ step }) => !step.tallies);
  const tally = { passed: own.filter(({ ok }) => ok).length, failed: own.filter(({ ok }) => !ok).length, skipped: [] };
  appendFileSync(process.env.EVENKEEL_TALLY, `${JSON.stringify(tally)}\n`);
}
console.log(
  `check: ${failed.length === 0 ? "all well" : `failed: ${failed.map(({ name }) => name).join(", ")}`}, ${((performance.now() - started) / 1000).toFixed(1)} s`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
