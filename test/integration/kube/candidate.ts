/**
 * A candidate for leadership in a process of its own: `node candidate.ts CONFIG`, where CONFIG is JSON with
 * `{ kubeconfigText, namespace, identity, leaseDurationMs, writers }`.
 *
 * While it leads it writes into ConfigMap `journal` as fast as it can and without preconditions, so that nothing but the
 * fence keeps it from writing when it must not. Exit code 3: leadership was lost.
 */
import { configMaps, connect, isKubeError, LeaderElector, untilStopped } from "../../../src/kube/index.ts";

const config: {
  kubeconfigText: string;
  namespace: string;
  identity: string;
  leaseDurationMs: number;
  writers: number;
} = JSON.parse(process.argv[2] ?? "");
const { kubeconfigText, namespace, identity, leaseDurationMs, writers } = config;
const kube = await connect({ kubeconfigText, fieldManager: identity, qps: 1000, burst: 1000 });
const elector = new LeaderElector({ kube, lease: { namespace, name: "leader" }, identity, leaseDurationMs });
const stopped = untilStopped();
let fenced = 0;

try {
  await elector.run(stopped, async ({ signal, fence }) => {
    process.stdout.write("leading\n");
    const mine = kube.fenced(fence);
    const write = async (writer: number) => {
      // Not only until it is told to stop: as code does that forgets to look.
      let n = 0;
      const goesOn = () => !stopped.aborted && fenced < 5 * writers;
      while (goesOn()) {
        n += 1;
        const data = { writer: `${writer}`, n: `${n}`, holder: identity };
        await mine.mergePatch(configMaps, { namespace, name: "journal" }, { data }).catch((error: unknown) => {
          if (isKubeError(error, "Fenced")) fenced += 1;
        });
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    if (signal.aborted && !stopped.aborted) process.stdout.write("told to stop\n");
  });
} catch (error) {
  if (!isKubeError(error, "Fenced")) throw error;
  process.stdout.write(`lost after ${fenced} fenced writes\n`);
  process.exitCode = 3;
} finally {
  await kube.close();
}
process.exit();
