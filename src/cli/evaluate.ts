import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { z } from "zod";
import {
  defaultGates,
  type EvaluateRequest,
  type EvaluationData,
  evaluateRequest,
  exitCodes,
  type ThreatModelSpec,
} from "../api/index.ts";
import {
  attackStepsOf,
  defaultSettings,
  type EvaluationReport,
  evaluate,
  failureOf,
  model,
  reportFiles,
  runEvaluation,
} from "../evaluation/index.ts";
import { startBackend } from "../model/index.ts";
import { type Dataset, fieldErrors, inWords, makeFolder, openStore, readDataset } from "../registry/index.ts";
import { answer } from "./answer.ts";
import { CommandError } from "./command-error.ts";
import { fillFolder } from "./fill-folder.ts";
import { wholeNumber } from "./numbers.ts";
import { ofFolder } from "./of-folder.ts";
import { progressBar } from "./progress-bar.ts";
import { publishReport, reportPlace } from "./publish-report.ts";
import { readRequest } from "./read-request.ts";
import { requireWritable } from "./require-writable.ts";
import { readThreatModel } from "./threat-model-file.ts";

type Options = {
  run?: string;
  store?: string;
  candidate?: string;
  active?: string;
  baseline?: string;
  data?: string;
  reference?: string;
  threatModel?: string;
  evaluationData?: EvaluationData;
  attacked?: number;
  attackSteps?: number;
  report?: string;
  output: "text" | "json";
};

/** What only a person gives; any of it says that there is no request. */
const byHandOptions = [
  "candidate",
  "active",
  "baseline",
  "data",
  "reference",
  "threatModel",
  "evaluationData",
  "attacked",
  "attackSteps",
  "report",
] as const satisfies readonly (keyof Options)[];

const examples = `
Examples:
  evenkeel evaluate --candidate ./new --active ./old --data ./shop-eval --threat-model threats.yaml
  evenkeel evaluate --candidate ./new --active ./old --data ./shop-eval --reference ./shop -o json

Exit codes: 0 done, whatever the verdicts are, 2 wrong usage, 10 bad data, 11 bad model, 12 bad request; anything else may be
tried again.`;

export const command = new Command("evaluate")
  .description(
    "One evaluation, as the container contract tells it: the request is in EVENKEEL_RUN, the store in EVENKEEL_STORE. " +
      "By hand: --candidate DIR --active DIR --data DIR.",
  )
  .addOption(
    new Option("--run <file>", "read the request from a file instead of EVENKEEL_RUN").conflicts([...byHandOptions]),
  )
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .option("--candidate <folder>", "by hand: the bundle to evaluate")
  .option("--active <folder>", "by hand: the bundle it is compared with")
  .option("--baseline <folder>", "by hand: the last approved bundle (default: the active one)")
  .option("--data <folder>", "by hand: the evaluation set")
  .option("--reference <folder>", "by hand: what was trained on, to look for leakage")
  .option("--threat-model <file>", "by hand: a ThreatModel, or its spec, as YAML or JSON")
  .addOption(
    new Option(
      "--evaluation-data <kind>",
      "by hand: what the set offers (default: Labelled when it has labels)",
    ).choices(["Labelled", "Pairs", "None"]),
  )
  .option("--attacked <queries>", "by hand: how many queries are attacked", wholeNumber)
  .option("--attack-steps <steps>", "by hand: gradient steps of an attack", wholeNumber)
  .option("--report <folder>", "by hand: where report.json and report.html go (default: evenkeel-report)")
  .addOption(new Option("-o, --output <format>", "how to print the result").choices(["text", "json"]).default("text"))
  .addHelpText("after", examples)
  .action(async (options: Options) => {
    const byHand = byHandOptions.some((option) => options[option] !== undefined);
    process.exitCode = byHand ? await runByHand(options) : await runJob(options);
  });

async function runJob({ run, store }: Options): Promise<number> {
  let request: EvaluateRequest;
  try {
    const asked = await readRequest(run, "--candidate DIR --active DIR --data DIR");
    if (!store) throw new Error("EVENKEEL_STORE is not set: give the store's folder there or by --store");
    request = evaluateRequest.parse(asked, { error: inWords });
  } catch (error) {
    answer({ kind: "Evaluate", gates: [], error: { reason: "BadRequest", message: messageOf(error) } });
    return exitCodes.badRequest;
  }
  try {
    const { result, exitCode } = await runEvaluation(request, openStore(store), { onProgress: progressBar(), say });
    answer(result);
    const place = reportPlace(process.env);
    if (place && result.report) say(await publishReport(openStore(store), result.report, place));
    return exitCode;
  } catch (error) {
    answer({ kind: "Evaluate", gates: [], error: { reason: "Failed", message: messageOf(error) } });
    return exitCodes.failed;
  }
}

async function runByHand(options: Options): Promise<number> {
  const { candidate, active, data, report: folder = "evenkeel-report" } = options;
  if (!candidate || !active || !data) {
    process.stderr.write("evenkeel: --candidate, --active and --data are needed together\n");
    return exitCodes.usage;
  }
  await requireWritable({ option: "--report", path: folder, kind: "Folder" });
  try {
    const evaluation = await ofFolder(data, readDataset);
    const evaluationData = options.evaluationData ?? (evaluation.labels ? "Labelled" : "None");
    const threats = await threatModelOf(options.threatModel, evaluation);
    const backend = await startBackend();
    say(`backend: ${backend.description}`);
    const settings = defaultSettings(backend.name, await attackStepsOf(candidate));
    const modelOf = (given: string) => ofFolder(given, () => model(resolve(given), given, evaluation));
    const running = await modelOf(active);
    const { report, context } = evaluate(
      {
        run: resolve(candidate).split("/").slice(-2).join("/"),
        candidate: await modelOf(candidate),
        active: running,
        baseline: options.baseline ? await modelOf(options.baseline) : running,
        reference: options.reference ? await ofFolder(options.reference, readDataset) : null,
        evaluation,
        traffic: null,
        accepted: null,
        entered: [],
        evaluationData,
        perturbations: threats.perturbations,
        targets: threats.targets,
        gates: defaultGates(
          evaluationData,
          evaluation.domains?.some((domain) => domain > 0) ? "Drift" : "Manual",
          threats.targets,
        ),
        alpha: 0.05,
        seed: 1,
        settings: {
          ...settings,
          attackLost: true,
          attacked: options.attacked ?? settings.attacked,
          budget: { ...settings.budget, steps: options.attackSteps ?? settings.budget.steps },
        },
        backend: backend.name,
      },
      progressBar(),
    );
    await fillFolder("--report", folder, async (beside) => {
      await makeFolder(beside);
      for (const [file, content] of Object.entries(reportFiles(report, context)))
        await writeFile(join(beside, file), content);
    });
    process.stdout.write(options.output === "json" ? `${JSON.stringify(report, null, 2)}\n` : textOf(report, folder));
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    process.stderr.write(`evenkeel: ${messageOf(error)}\n`);
    return failureOf(error)?.exitCode ?? exitCodes.failed;
  }
}

/** Without a threat model: an l∞ ball of .03 for images, of a tenth of each coordinate's deviation for vectors. */
async function threatModelOf(file: string | undefined, { modality }: Dataset): Promise<ThreatModelSpec> {
  if (!file) {
    const ball =
      modality === "Image"
        ? ({ family: "Linf", epsilon: 0.03 } as const)
        : ({ family: "VectorBox", epsilon: 0.1 } as const);
    return { modality, perturbations: [{ name: "default", kind: "Adversarial", ...ball }], targets: [] };
  }
  const threats = await readThreatModel(file);
  if (threats.modality !== modality) {
    throw new CommandError("usage", `the threat model is for ${threats.modality}, the dataset holds ${modality}`);
  }
  return threats;
}

function textOf(report: EvaluationReport, folder: string): string {
  const width = Math.max(...report.gates.map(({ name }) => name.length));
  const lines = report.gates.map(
    ({ name, verdict, value, message }) =>
      `${verdict.padEnd(7)}${name.padEnd(width + 2)}${(value === null ? "-" : value.toPrecision(4)).padEnd(9)}${message}`,
  );
  return `${lines.join("\n")}\nreport: ${join(folder, "report.html")}\n`;
}

function say(line: string): void {
  process.stderr.write(`evenkeel: ${line}\n`);
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return fieldErrors(error).slice(0, 1500);
  return (error instanceof Error ? error.message : String(error)).slice(0, 1500);
}
