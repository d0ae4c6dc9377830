/**
 * The whole story on a real control plane, with real input: drift, attack, a bad candidate.
 *
 *     npm run demo -- [--json FILE] [--keep]
 *
 * Exits 0 only when each act ended as it should.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CommandError, exitCodes } from "../../src/cli/command-error.ts";
import { requireWritable } from "../../src/cli/require-writable.ts";
import { connect } from "../../src/kube/index.ts";
import { attack } from "./acts/attack.ts";
import { badCandidate } from "./acts/bad-candidate.ts";
import { drift } from "./acts/drift.ts";
import { auditFacts, jobsOf } from "./audit.ts";
import { overlap } from "./datasets.ts";
import type { Demo } from "./demo.ts";
import { deployService, makeUser } from "./deploy.ts";
import { names } from "./manifests.ts";
import { mnist } from "./mnist.ts";
import { Observer } from "./observer.ts";
import { type Options, readOptions, usage, WrongUsage } from "./options.ts";
import { openPlaces, type Places } from "./places.ts";
import { prepareStore } from "./prepare.ts";
import { seeded } from "./random.ts";
import { type ActRecord, act, type DemoRecord } from "./record.ts";
import { current } from "./stage/current.ts";
import { embedded } from "./stage/embedded.ts";
import { installChart } from "./stage/install.ts";
import type { Kubectl } from "./stage/kubectl.ts";
import type { Stage } from "./stage/stage.ts";
import { Story, told } from "./story.ts";
import { table } from "./table.ts";
import { cycle, Traffic } from "./traffic.ts";

const requestsPerSecond = 45;
const pace = { calm: 14, ramp: 20, detectWithin: 150, trainWithin: 600, rolloutWithin: 300 };

const acts: readonly { name: string; expected: string; play: (demo: Demo, record: ActRecord) => Promise<void> }[] = [
  { name: "drift", expected: "promoted what was proven, rejected what was not", play: drift },
  { name: "attack", expected: "protected at once, hardened, rolled out", play: attack },
  { name: "bad-candidate", expected: "rejected by a gate, rolled back by the analysis", play: badCandidate },
];

/** What is open, and how it is ended, the newest first. */
type Open = { readonly stop: (() => Promise<unknown>)[]; places?: Places };

/** A command line that is wrong ends the demo before anything is made. */
async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2), process.env);
    if (!options) {
      console.log(usage);
      return 0;
    }
    if (options.json) await requireWritable({ option: "--json", path: options.json, kind: "File" });
    return await tell(options);
  } catch (error) {
    if (!(error instanceof WrongUsage || error instanceof CommandError)) throw error;
    console.error(`evenkeel demo: ${error.message}`);
    return exitCodes.usage;
  }
}

async function tell(options: Options): Promise<number> {
  const story = new Story();
  const dir = await mkdtemp(join(tmpdir(), "evenkeel-demo-"));
  const open: Open = { stop: [() => rm(dir, { recursive: true, force: true })] };
  const ending = new AbortController();
  const onSignal = () => ending.abort(new Error("the demo was interrupted"));
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const record: DemoRecord = {
    startedAt: new Date().toISOString(),
    seconds: 0,
    cluster: options.stage.kind === "Current" ? "current" : "embedded",
    backend: "",
    overlap: -1,
    acts: [],
    passed: false,
  };
  story.heading("evenkeel: a service for images of digits, kept on an even keel");
  try {
    const opening = openStage(options, dir, ending.signal);
    // When it could not be opened it has cleaned up itself.
    open.stop.push(async () => (await opening.catch(() => null))?.stop());
    const playing = opening.then((stage) => {
      ending.signal.throwIfAborted();
      return play(stage, { story, dir, record, open });
    });
    await Promise.race([playing, rejection(ending.signal)]);
    record.passed =
      record.acts.length === acts.length && record.acts.every(({ asExpected }) => asExpected) && record.overlap === 0;
  } catch (error) {
    story.bad(told(error));
  } finally {
    record.seconds = Math.round(story.seconds());
    story.heading("What came of it");
    console.log(table(record));
    if (options.json) await write(options.json, record).catch((error: unknown) => story.bad(told(error)));
    if (options.keep && !ending.signal.aborted) await untilInterrupted(story, open.places);
    for (const end of open.stop.toReversed())
      await end().catch((error: unknown) => story.bad(`cleaning up: ${String(error)}`));
  }
  return record.passed ? 0 : 1;
}

async function write(file: string, record: DemoRecord): Promise<void> {
  try {
    await writeFile(resolve(file), `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    record.passed = false;
    throw error;
  }
}

type Played = { readonly story: Story; readonly dir: string; readonly record: DemoRecord; readonly open: Open };

async function play(stage: Stage, { story, dir, record, open }: Played): Promise<void> {
  story.good(
    `control plane, nodes and Prometheus are up (KUBECONFIG=${stage.admin.kubeconfig}, ${stage.prometheus.forPeople})`,
  );
  const images = await mnist();
  Object.assign(record, { overlap: overlap(images) });
  story.say(
    `MNIST: ${Object.entries(images)
      .map(([part, { sources }]) => `${sources.length} ${part}`)
      .join(", ")}; shared by any two: ${record.overlap}`,
  );
  const prepared = await prepareStore(story);
  Object.assign(record, { backend: prepared.backend });

  await installChart(stage, dir);
  story.good("the chart is installed: two operator pods with ServiceAccounts of their own");

  const user = await makeUser(stage, dir);
  const kube = await connect({ kubeconfig: user.kubeconfig, fieldManager: "demo-user" });
  open.stop.push(() => kube.close());
  await deployService(stage, user, prepared);
  story.good(
    `${names.workload} and its EmbeddingService are applied, by a user with the role edit in namespace ${names.namespace}`,
  );

  const demo = await begin({ story, dir, stage, kube, user, images, first: prepared.initial }, open);
  await demo.observer.until(
    "every signal to pass",
    ({ service: { status } }) => status.signals.length > 0 && status.signals.every(({ verdict }) => verdict === "Pass"),
    150,
  );
  story.good("the service is adopted, watched and calm");

  for (const [index, { name, expected, play: perform }] of acts.entries()) {
    const one = act(name, expected);
    record.acts.push(one);
    story.heading(`Act ${index + 1} · ${name}`);
    await withFacts(demo, one, () => perform(demo, one));
    if (one.asExpected) story.good(one.outcome);
    else {
      story.bad(one.outcome);
      break;
    }
  }
}

/** Plays one act, and adds what the cluster knows of it: Jobs created, audit entries, whether their chain is whole. */
async function withFacts(demo: Demo, one: ActRecord, perform: () => Promise<void>): Promise<void> {
  const before = await auditFacts(demo);
  try {
    await perform();
    one.asExpected = true;
  } catch (error) {
    one.outcome = told(error);
  }
  const after = await auditFacts(demo);
  one.times.end = demo.story.seconds();
  one.jobsCreated = await jobsOf(demo, one.runs);
  one.auditEntries = after.entries - before.entries;
  one.auditVerified = after.verified;
  if (!after.verified) one.asExpected = false;
  if (one.asExpected && one.falseAlarmsBeforeOnset > 0) {
    one.asExpected = false;
    one.outcome = `${one.falseAlarmsBeforeOnset} alarms before the world changed`;
  }
}

async function begin(
  given: Pick<Demo, "story" | "dir" | "stage" | "kube" | "images" | "first"> & { readonly user: Kubectl },
  open: Open,
): Promise<Demo> {
  const random = seeded(20_261_124);
  const logs = async (job: string) => {
    const said = await given.user(["logs", `job/${job}`, `--namespace=${names.namespace}`, "--tail=5"]);
    return said.toString("utf8");
  };
  const observer = new Observer(given.kube, given.story, { namespace: names.namespace, name: names.service }, logs);
  observer.start();
  open.stop.push(() => observer.stop());
  const gateways = await given.stage.gateways(given.kube);
  const next = cycle(given.images.traffic, random);
  const traffic = new Traffic(gateways, () => ({ pixels: next(), kind: "benign" }));
  await observer.until("a gateway to be ready", () => gateways().length > 0, 90);
  traffic.start(requestsPerSecond);
  open.stop.push(() => traffic.end());
  const places = await openPlaces(given.stage, given.dir, given.user.kubeconfig, gateways);
  open.places = places;
  open.stop.push(() => places.stop());
  places.tell(given.story);
  return { ...given, observer, traffic, random, pace };
}

function openStage({ stage }: Options, dir: string, signal: AbortSignal): Promise<Stage> {
  return stage.kind === "Embedded" ? embedded(dir) : current(dir, stage, signal);
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

async function untilInterrupted(story: Story, places: Places | undefined): Promise<void> {
  story.say("kept, as asked: Ctrl-C ends it");
  places?.tell(story);
  await new Promise<void>((done) => {
    process.once("SIGINT", () => done()).once("SIGTERM", () => done());
  });
}

process.exitCode = await main();
