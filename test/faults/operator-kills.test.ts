import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ApiWrite } from "../harness/api-request.ts";
import { startControlPlane } from "../harness/control-plane.ts";
import { installCrds } from "../harness/crds.ts";
import { type KillPoint, killPoint, type Naming, recordKillPoints } from "../harness/kill-points.ts";
import { temporaryFolder } from "../harness/temporary-folder.ts";
import { waitFor } from "../harness/wait.ts";
import { PodsAtOnce } from "../integration/operator/pods-at-once.ts";
import { startScriptedPrometheus } from "../integration/operator/scripted-prometheus.ts";
import { drifted, models, paths } from "../integration/operator/shop.ts";
import { differences, nameless, type Outcome } from "./end-state.ts";
import { type Bed, type Ended, Loop } from "./loop.ts";

/** To look at one kill again: a part of its name. */
const only = process.env["EVENKEEL_KILLS"] ?? "";

/** Loops side by side: each waits most of its time, for leases and holds. */
const sideBySide = 6;

/** Kills that one loop suffers, one after another and far apart: ten of them cost as much as three loops. */
const killsALoop = 10;

/** Loops of its own that a kill gets whose write did not come, and how many such kills there may be. */
const alone = { tries: 3, most: 12 } as const;

/** What every loop comes to, whatever its clean run did. */
const expected: Outcome = {
  served: models.second,
  deployments: ["embedder", "shop-gateway"],
  jobs: ["shop-CAUSE-train", "shop-CAUSE-evaluate"],
  promotions: 1,
};

let bed: Bed;

beforeAll(async () => {
  const cluster = await startControlPlane();
  await installCrds(cluster.api);
  const pods = new PodsAtOnce(cluster.api);
  bed = { cluster, pods, prometheus: await startScriptedPrometheus(drifted), dir: await temporaryFolder("kills") };
});
afterAll(async () => {
  bed?.pods.stop();
  await bed?.prometheus.stop();
  await bed?.cluster.stop();
});

const job = z.object({ uid: z.string(), outcome: z.string() });
/** What tells one write of a status from another. */
const statusWritten = z.object({
  status: z.looseObject({
    retraining: z.object({ uid: z.string() }).optional(),
    rollout: z.object({ uid: z.string(), phase: z.string() }).optional(),
    activeVersion: z.object({ digest: z.string() }).optional(),
    train: job.optional(),
    evaluate: job.optional(),
  }),
});

/** What a write changes, told the same way in every run. */
function transition({ body, subresource, resource }: ApiWrite): string {
  if (typeof body !== "object" || body === null || !("status" in body) || subresource !== "status") return "";
  const { status } = statusWritten.parse(body);
  const text = (field: string): string =>
    status[field] === undefined ? "" : `${field}=${JSON.stringify(status[field])}`;
  switch (resource) {
    case "embeddingservices": {
      const { retraining, rollout, activeVersion } = status;
      const made = (slot: { uid: string } | undefined): string =>
        slot ? (slot.uid === "" ? "named" : "made") : "none";
      return `active=${activeVersion?.digest.slice(7, 15) ?? ""} run=${made(retraining)} rollout=${made(rollout)}${rollout ? rollout.phase : ""}`;
    }
    case "retrainings": {
      const state = (of: z.infer<typeof job> | undefined): string =>
        of ? `${of.uid === "" ? "named" : "made"}${of.outcome}` : "none";
      return `${text("phase")} train=${state(status.train)} evaluate=${state(status.evaluate)}`;
    }
    case "modelrollouts":
      return ["phase", "step", "weight", "mirror", "patched"].map(text).join(" ");
    default:
      return text("phase");
  }
}

function namingOf({ namespace }: Loop): Naming {
  return { name: (name) => nameless(name, namespace), transition };
}

async function cleanRun(): Promise<Ended & { points: readonly KillPoint[] }> {
  const loop = await Loop.prepare(bed, "clean");
  try {
    const recorded = recordKillPoints(loop.proxy, namingOf(loop));
    // Nobody is to take over here: on a busy machine a short lease is lost, and with it a point.
    await loop.supervised({ leaseDuration: "1m" });
    await loop.order();
    const ended = await loop.end();
    expect(ended.outcome).toEqual(expected);
    expect(ended.trail.verification.kind).toBe("Whole");
    return { ...ended, points: recorded.points };
  } catch (error) {
    throw new Error(`${String(error)}\n${await loop.account()}`, { cause: error });
  } finally {
    await loop.stop();
  }
}

interface Kill {
  readonly point: KillPoint;
  readonly side: "Before" | "After";
}

const nameOf = ({ point, side }: Kill): string => `${side} ${point}`;

/** One loop whose operator is killed at each of these writes, as they come; `left` are those that did not. */
async function killedRun(kills: readonly Kill[]): Promise<Ended & { left: readonly Kill[] }> {
  const loop = await Loop.prepare(bed, "kill");
  const naming = namingOf(loop);
  const left = new Map(kills.map((kill) => [nameOf(kill), kill]));
  try {
    const operator = await loop.supervised();
    const strike = (side: Kill["side"]) => async (write: ApiWrite) => {
      const point = killPoint(write, naming);
      if (point === null || !left.delete(nameOf({ point, side }))) return "Continue";
      await operator().kill();
      return "Drop";
    };
    const after = strike("After");
    loop.proxy.hook({
      before: strike("Before"),
      after: async (write, { status }) => (status < 300 ? after(write) : "Continue"),
    });
    await loop.order();
    return { ...(await loop.end()), left: [...left.values()] };
  } catch (error) {
    throw new Error(`${String(error)}\n${await loop.account()}`, { cause: error });
  } finally {
    await loop.stop();
  }
}

/** Runs loops side by side, each killed at its kills; gives the kills that did not come, and what was wrong. */
async function killedRuns(
  groups: readonly (readonly Kill[])[],
  clean: Ended,
): Promise<{ missed: readonly Kill[]; problems: readonly string[] }> {
  const queue = [...groups];
  const missed: Kill[] = [];
  const problems: string[] = [];
  // Said as it comes: a suite that runs into its time says what it has found.
  const tell = (problem: string): void => {
    problems.push(problem);
    process.stdout.write(`${problem}\n`);
  };
  const work = async (): Promise<void> => {
    for (let kills = queue.shift(); kills; kills = queue.shift()) {
      const title = `killed at\n  ${kills.map(nameOf).join("\n  ")}`;
      try {
        const { state, trail, outcome, left } = await killedRun(kills);
        missed.push(...left);
        for (const kill of left) process.stdout.write(`did not come: ${nameOf(kill)}\n`);
        const found = [
          ...differences(outcome, expected, "outcome"),
          ...differences(state, clean.state),
          ...differences(trail, { ...clean.trail, verification: trail.verification }, "audit"),
          ...(trail.verification.kind === "Whole" ? [] : [JSON.stringify(trail.verification)]),
        ];
        if (found.length > 0) tell(`${title}\n${found.join("\n")}`);
      } catch (error) {
        tell(`${title}\n${String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, work));
  return { missed, problems };
}

describe("killed at every write", () => {
  it("a loop ends with the same objects, one training, one promotion, one history, a whole trail", async () => {
    const startedAt = performance.now();
    const clean = await cleanRun();
    expect(clean.points.length).toBeGreaterThan(30);
    const kills = clean.points
      .flatMap((point): Kill[] => [
        { point, side: "Before" },
        { point, side: "After" },
      ])
      .filter((kill) => nameOf(kill).includes(only));
    const loops = Math.max(1, Math.ceil(kills.length / killsALoop));
    // Each loop has kills from all its stages, none right after another.
    const groups = Array.from({ length: loops }, (_, loop) => kills.filter((__, index) => index % loops === loop));
    let { missed, problems } = await killedRuns(groups, clean);
    // A kill changes what comes after it, so that each whose write did not come is tried alone.
    for (let tries = 0; tries < alone.tries && missed.length > 0 && missed.length <= alone.most; tries += 1) {
      const again = await killedRuns(
        missed.map((kill) => [kill]),
        clean,
      );
      missed = again.missed;
      problems = [...problems, ...again.problems];
    }
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    process.stdout.write(
      `\n${clean.points.length} writes; ${kills.length - missed.length} kills of ${kills.length} in ${loops} loops and alone, ${seconds} s\n`,
    );
    expect(problems).toEqual([]);
    expect(missed.map(nameOf)).toEqual([]);
  });
});

describe("a leader that is stopped past its lease and resumed", () => {
  it("tries to write nothing more, and the loop of the next one ends as ever", async () => {
    const loop = await Loop.prepare(bed, "stopped");
    const other = await loop.anotherProxy();
    try {
      const clean = await cleanRun();
      const first = await loop.operator();
      await loop.order();
      const named = async (what: "retraining" | "rollout") => {
        type Named = { status?: { retraining?: object; rollout?: object } };
        const { status } = await bed.cluster.api.get<Named>(paths(loop.namespace).service);
        return status?.[what] !== undefined;
      };
      await waitFor("the run to be named", () => named("retraining"));
      first.signal("SIGSTOP");
      const stopped = await loop.holder();
      const second = await loop.supervised({ proxy: other, suffix: "second" });
      await waitFor("another to lead", async () => !["", stopped].includes(await loop.holder()));
      // What it had under way when it was stopped was its right; what comes from now on is not, not even to be refused by
      // a precondition: that would be the API server's merit. Events tell of what was saved before.
      const attempts: string[] = [];
      loop.proxy.hook({
        before: (write) => {
          if (!["leases", "events"].includes(write.resource)) {
            attempts.push(`${write.verb} ${write.resource} ${write.name}`);
          }
          return "Continue";
        },
      });
      // There is work that the first would do too.
      await waitFor("the second to be in the middle of the loop", () => named("rollout"), { withinMs: 180_000 });
      first.signal("SIGCONT");
      await waitFor("the first to give up", () => first.ended);
      expect(first.ended).toBe("code 1");
      expect(second().pid).not.toBe(first.pid);
      const ended = await loop.end();
      expect(attempts).toEqual([]);
      expect(ended.outcome).toEqual(expected);
      expect(ended.state).toEqual(clean.state);
      expect(ended.trail.verification.kind).toBe("Whole");
    } finally {
      await loop.stop();
    }
  });
});
