import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "../harness/child.ts";
import { waitFor } from "../harness/wait.ts";
import { names } from "./manifests.ts";
import { repository, type Stage } from "./stage/stage.ts";
import type { Story } from "./story.ts";

/** Where people look while the demo plays. */
export interface Places {
  tell(story: Story): void;
  stop(): Promise<void>;
}

/**
 * Opens the dashboard as the demo's user, with what that user may read.
 *
 * @param kubeconfig  the user's
 */
export async function openPlaces(
  stage: Stage,
  dir: string,
  kubeconfig: string,
  gateways: () => readonly string[],
): Promise<Places> {
  const dashboard = startChild({
    name: "dashboard",
    command: process.execPath,
    args: [
      join(repository, "src/main.ts"),
      "dashboard",
      "--port=0",
      `--namespace=${names.namespace}`,
      `--kubeconfig=${kubeconfig}`,
      `--prometheus=${stage.prometheus.forPeople}`,
    ],
    log: join(dir, "dashboard.log"),
  });
  const ended = new AbortController();
  void dashboard.ended.then((how) => ended.abort(new Error(`the dashboard ended with ${how}`)));
  const url = await waitFor(
    "the dashboard's address",
    async () => /http:\/\/\S+/.exec(await readFile(dashboard.log, "utf8"))?.[0],
    { signal: ended.signal },
  );
  const options = `-n ${names.namespace} --kubeconfig ${kubeconfig}`;
  return {
    tell: (story) => {
      story.say(`dashboard   ${url}`);
      story.say(`Prometheus  ${stage.prometheus.forPeople}`);
      story.say(`gateways    ${gateways().join("  ") || "none is ready"}`);
      story.say(`kubeconfig  ${kubeconfig} (the service's people), ${stage.admin.kubeconfig} (the cluster's admin)`);
      story.say(`status      npx evenkeel status ${names.service} ${options}`);
      story.say(`reports     npx evenkeel report RUN ${options}; their pages are named when a run ends`);
    },
    stop: () => dashboard.stop(),
  };
}
