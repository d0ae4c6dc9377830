import { parseArgs } from "node:util";

/** How the demo is asked to play. */
export interface Options {
  /** file for what happened */
  readonly json: string | null;
  readonly keep: boolean;
  readonly stage: { readonly kind: "Embedded" } | ({ readonly kind: "Current" } & Images);
}

/** What the nodes of a cluster that is not the demo's own must have. */
export interface Images {
  readonly image: string;
  readonly trainerImage: string;
  readonly prometheusImage: string;
}

/** The demo is asked something that it does not know. */
export class WrongUsage extends Error {
  override readonly name = "WrongUsage";
}

export const usage = `npm run demo -- [--json FILE] [--keep] [--cluster current --image IMAGE]

The whole story on a real control plane, with MNIST: drift, attack, a bad candidate. Exits 0 when each act ended as it should.
  --json FILE        write what happened, with all figures
  --keep             leave the cluster running until Ctrl-C (KEEP=1)
  --cluster current  play in the current kubectl context instead of an embedded control plane (CLUSTER=current);
                     its nodes must have IMAGE and IMAGE-trainer, as \`make image\` names them, and PROMETHEUS_IMAGE`;

/**
 * @returns null when help is asked for
 * @throws {WrongUsage}
 */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options | null {
  const { help, json, keep, cluster, image } = parsed(args, env);
  if (help) return null;
  const options = { json: json ?? null, keep };
  if (cluster === "embedded") return { ...options, stage: { kind: "Embedded" } };
  if (cluster !== "current") throw new WrongUsage(`--cluster ${cluster}: must be embedded or current`);
  if (!image) throw new WrongUsage("--cluster current needs --image IMAGE (IMAGE=…): make image builds it");
  const prometheusImage = env.PROMETHEUS_IMAGE || "docker.io/prom/prometheus:v3.7.0";
  return { ...options, stage: { kind: "Current", image, trainerImage: `${image}-trainer`, prometheusImage } };
}

function parsed(args: readonly string[], env: NodeJS.ProcessEnv) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: "string" },
        keep: { type: "boolean", default: env.KEEP === "1" },
        cluster: { type: "string", default: env.CLUSTER || "embedded" },
        image: { type: "string", default: env.IMAGE || "" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
