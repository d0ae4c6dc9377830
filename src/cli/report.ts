import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Gate, GateVerdict, Retraining } from "../api/index.ts";
import { evaluationReport } from "../evaluation/report/schema.ts";
import { type Cluster, inCluster, type PrintOptions, printData, printingCommand } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { exitCodesHelp } from "./exit-codes-help.ts";
import { objectName } from "./names.ts";
import { type Paint, paintFor } from "./paint.ts";
import { requireWritable } from "./require-writable.ts";
import { columns } from "./tree.ts";

interface Options extends PrintOptions {
  readonly store?: string;
  readonly html?: string;
  readonly open?: true;
  readonly captured?: string;
}

const examples = `
Examples:
  evenkeel report products                                        gates of the service's newest run with a report
  evenkeel report products-0123456789 -o json                     of a certain run, with what its evaluation measured
  evenkeel report products --store /mnt/store --html report.html  the whole report with pictures, where the store is mounted
  evenkeel report products --store /mnt/store --open              the same in the browser
  evenkeel report products --store /mnt/store --captured seen     what came and looks least like the labelled data

${exitCodesHelp({
  usage: "wrong usage or a place that cannot be written to",
  notFound: "no such service or run or no report yet",
  verificationFailed: "the report is not what its digest says",
})}`;

export const command = printingCommand("report")
  .summary("the report of a run: what was measured, and what the gates said")
  .description(
    "Shows what a run's evaluation measured and what the gates made of it. The report comes out of the store where its " +
      "folder is given, whole and verified, else without pictures out of ConfigMap RUN-report.",
  )
  .argument("<name>", "name of an EmbeddingService or a Retraining", objectName)
  .option(
    "--store <folder>",
    "folder of the store (EVENKEEL_STORE): gives the whole report",
    process.env["EVENKEEL_STORE"],
  )
  .option("--html <file>", "writes the self-contained page to a file; needs --store")
  .option("--open", "opens the page in the browser; needs --store")
  .option(
    "--captured <folder>",
    "writes the captured samples that look least like the labelled data, while their TTL lasts; needs --store",
  )
  .addHelpText("after", examples)
  .action(async (name: string, options: Options) => {
    const wantsPage = options.html !== undefined || options.open;
    if ((wantsPage || options.captured !== undefined) && !options.store) {
      throw new CommandError(
        "usage",
        "--html, --open and --captured need the store's folder: give --store or EVENKEEL_STORE",
      );
    }
    if (options.html !== undefined) await requireWritable({ option: "--html", path: options.html, kind: "File" });
    if (options.captured !== undefined)
      await requireWritable({ option: "--captured", path: options.captured, kind: "Folder" });
    const { run, left } = await inCluster(options, async (cluster) => {
      const found = await findRun(cluster, name);
      return { run: found, left: options.store === undefined ? await published(cluster, found) : null };
    });
    const folder = options.store === undefined ? null : await reportFolder(options.store, run);
    if (folder !== null && options.html !== undefined) await copyFile(join(folder, "report.html"), options.html);
    if (folder !== null && options.open) await openPage(options.html ?? join(folder, "report.html"));
    if (folder !== null && options.captured !== undefined) await writeCaptured(options, folder, options.captured);
    if (options.output === "text") {
      const report = folder === null ? left : await storedReport(folder);
      if (!wantsPage || !options.open) {
        process.stdout.write(`${text(run, report, paintFor(process.stdout)).join("\n")}\n`);
      }
    } else {
      const report = folder === null ? left : await storedReport(folder);
      const { phase, reason, message, gates, report: uri } = run.status;
      await printData({ run: run.metadata.name, phase, reason, message, uri, gates, report }, options.output);
    }
  });

/** The run of that name, or the newest of the service of that name that has been measured. */
async function findRun({ kube, namespace }: Cluster, name: string): Promise<Retraining> {
  const { retrainings } = await import("../kinds.ts");
  const run = await kube.get(retrainings, { namespace, name });
  if (run) return run;
  const { findService } = await import("./rollout-under-way.ts");
  await findService({ kube, namespace }, name);
  const { items } = await kube.list(retrainings, { namespace, fieldSelector: `spec.serviceRef.name=${name}` });
  const newest = items
    .filter(({ status }) => status.gates.length > 0 || status.report !== "")
    .toSorted((a, b) => b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp))
    .at(0);
  if (!newest)
    throw new CommandError("notFound", `no run of ${name} has been measured yet: see \`evenkeel status ${name}\``);
  return newest;
}

async function reportFolder(store: string, { metadata, status }: Retraining): Promise<string> {
  if (status.report === "")
    throw new CommandError("notFound", `${metadata.name} has no report yet: it is ${status.phase}`);
  const { openStore, StoreError } = await import("../registry/index.ts");
  try {
    return await openStore(store).resolve(status.report);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const how = error.reason === "Corrupt" ? "verificationFailed" : "notFound";
    throw new CommandError(how, error.message);
  }
}

async function writeCaptured({ store = "" }: Options, report: string, folder: string): Promise<void> {
  const { evaluationReport } = await import("../evaluation/report/schema.ts");
  const { fieldErrors, inWords, openStore } = await import("../registry/index.ts");
  const { writeCapturedSamples } = await import("./captured-samples.ts");
  const parsed = evaluationReport.safeParse(await storedReport(report), { error: inWords });
  if (!parsed.success)
    throw new CommandError("verificationFailed", `${join(report, "report.json")}: ${fieldErrors(parsed.error)}`);
  const { captured = [] } = parsed.data;
  const { written, gone } = await writeCapturedSamples(openStore(store), captured, folder);
  process.stderr.write(`evenkeel: ${written} captured samples in ${folder}, ${gone} are past their TTL\n`);
}

async function storedReport(folder: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, "report.json"), "utf8"));
}

async function published({ kube }: Cluster, run: Retraining): Promise<unknown> {
  const { publishedReport } = await import("../overview/index.ts");
  return await publishedReport(kube, run);
}

function text(run: Retraining, report: unknown, paint: Paint): string[] {
  const { metadata, spec, status } = run;
  const head = [
    `${paint("strong", metadata.name)}  ${status.phase}${status.reason ? `  ${status.reason}${status.message ? `: ${status.message}` : ""}` : ""}`,
    paint(
      "dim",
      `cause ${spec.cause.class} (${spec.cause.trigger}), from ${spec.parent.digest.slice(0, 19)}…, seed ${spec.seed}`,
    ),
    "",
  ];
  if (status.gates.length === 0) return [...head, "no gate has been measured yet"];
  const rows = status.gates.map((row) =>
    gateRow(
      row,
      spec.gates.find(({ name }) => name === row.name),
      paint,
    ),
  );
  const titles = ["gate", "verdict", "metric", "test", "value", "bound", "p", "samples", ""].map((title) =>
    paint("dim", title),
  );
  const where = status.report === "" ? [] : ["", paint("dim", `report ${status.report}`)];
  return [...head, ...columns([titles, ...rows]), ...measuredRows(report, paint), ...where];
}

const measured = evaluationReport.pick({ accuracy: true, index: true });

/** What was measured of each model; a report of another schema tells nothing here. */
function measuredRows(report: unknown, paint: Paint): string[] {
  const { success, data } = measured.safeParse(report);
  if (!success) return [];
  const { accuracy, index } = data;
  const figures = [
    ["clean accuracy", accuracy.clean],
    ["shifted accuracy", accuracy.shifted],
    ["robust accuracy", accuracy.robust],
    ["old index recall", index.oldIndexRecall],
    ["new document recall", index.newDocumentRecall],
    ["mixed index recall", index.mixedIndexRecall],
  ] as const;
  const titles = ["measured", "candidate", "active", "baseline"].map((title) => paint("dim", title));
  const rows = figures.map(([name, { candidate, active, baseline }]) => [
    name,
    ...[candidate, active, baseline].map(figure),
  ]);
  return ["", ...columns([titles, ...rows])];
}

function figure(value: number | null): string {
  return value === null ? "–" : String(Number(value.toPrecision(3)));
}

function gateRow(row: GateVerdict, gate: Gate | undefined, paint: Paint): string[] {
  const { name, verdict, value, bound, p, n, needed, message } = row;
  const tone = verdict === "Pass" ? "good" : verdict === "Fail" ? "bad" : "warn";
  return [
    name,
    paint(tone, verdict),
    gate?.metric ?? "",
    gate ? `${gate.test} ${gate.limit ?? gate.margin}` : "",
    figure(value),
    figure(bound),
    figure(p),
    needed > 0 ? `${n} (needs ${needed})` : String(n),
    paint("dim", message),
  ];
}

async function openPage(file: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  await new Promise<void>((resolve, reject) => {
    spawn(opener, [file], { stdio: "ignore", detached: true })
      .once("spawn", resolve)
      .once("error", () =>
        reject(new CommandError("failed", `no browser was found (${opener}): open ${file} yourself`)),
      )
      .unref();
  });
}
