import { Command, Option } from "commander";
import type { StoreUri } from "../api/index.ts";
import type { RecomputedAlarm } from "../gateway/index.ts";
import { type PrintOptions, printData } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";
import { howNotRead } from "./how-not-read.ts";
import { paintFor } from "./paint.ts";
import { columns } from "./tree.ts";

interface Options extends Pick<PrintOptions, "output"> {
  readonly store?: string;
}

type Found = RecomputedAlarm & { readonly uri: StoreUri };

const examples = `
Examples:
  evenkeel audit evidence search/products --store /mnt/store                  every alarm whose evidence is kept
  evenkeel audit evidence store://alarms/search/products@sha256:… -o json     one of them, with EVENKEEL_STORE

Exit codes: 0 each alarm comes out as it was raised, 2 wrong usage, 3 no evidence is kept, or a model that it needs is not in
the store any more, 5 an alarm comes out otherwise, or what lies in the store is not whole.`;

export const evidence = new Command("evidence")
  .summary("compute alarms again from what they were raised from")
  .description(
    "Reads what a service's alarms were raised from out of the store, where it is mounted, steps the detectors through it " +
      "anew and says whether the same alarms come out. The last 16 alarms are kept. Asks no cluster.",
  )
  .argument("<alarms>", "NAMESPACE/NAME of an EmbeddingService, or the URI of one evidence in the store")
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .addOption(new Option("-o, --output <format>", "how to print it").choices(["text", "json", "yaml"]).default("text"))
  .addHelpText("after", examples)
  .action(async (alarms: string, { store, output }: Options) => {
    if (!store) throw new CommandError("usage", "no store to read from: give --store or EVENKEEL_STORE");
    const found = await recomputed(alarms, store);
    if (output === "text") printText(found);
    else await printData({ alarms: found.map((one) => ({ ...one, at: new Date(one.at).toISOString() })) }, output);
    const differing = found.filter(({ verdict }) => verdict === "Differs");
    if (differing.length > 0) {
      const which = differing.map(({ signal, number }) => `${signal} ${number}`).join(", ");
      throw new CommandError("verificationFailed", `not raised by what is kept of it: ${which}`);
    }
  });

async function recomputed(alarms: string, root: string): Promise<Found[]> {
  const { SketchMismatch } = await import("../monitor/index.ts");
  const { recomputeEvidence } = await import("../gateway/index.ts");
  const { StoreError } = await import("../registry/index.ts");
  const found: Found[] = [];
  let reading = alarms;
  try {
    for (const uri of await evidencesOf(alarms, root)) {
      reading = uri;
      for (const alarm of await recomputeEvidence(root, uri)) found.push({ uri, ...alarm });
    }
  } catch (error) {
    if (error instanceof SketchMismatch) throw new CommandError("verificationFailed", `${reading}: ${error.message}`);
    if (!(error instanceof StoreError)) throw error;
    throw new CommandError(howNotRead(error), `${reading}: ${error.message}`);
  }
  return found;
}

/** Oldest first. */
async function evidencesOf(alarms: string, root: string): Promise<StoreUri[]> {
  const { alarmsName } = await import("../gateway/index.ts");
  const { openStore } = await import("../registry/index.ts");
  const { storeUri } = await import("../api/index.ts");
  const uri = storeUri.safeParse(alarms).data;
  if (uri?.startsWith("store://alarms/")) return [uri];
  const [namespace, name, ...more] = alarms.split("/");
  if (!namespace || !name || more.length > 0) {
    throw new CommandError("usage", `${alarms}: must be NAMESPACE/NAME or store://alarms/NAMESPACE/NAME@sha256:DIGEST`);
  }
  const kept = await openStore(root).list(alarmsName(namespace, name));
  if (kept.length === 0) {
    throw new CommandError(
      "notFound",
      `no evidence of an alarm of ${alarms} is kept in ${root}: none was raised, or it is another store`,
    );
  }
  return kept;
}

function printText(found: readonly Found[]): void {
  const paint = paintFor(process.stdout);
  const rows = found.map(({ uri, signal, number, at, verdict }) => [
    paint("dim", new Date(at).toISOString()),
    paint("strong", signal),
    String(number),
    paint(verdict === "Agrees" ? "good" : "bad", verdict),
    paint("dim", uri),
  ]);
  process.stdout.write(`${columns(rows).join("\n")}\n`);
}
