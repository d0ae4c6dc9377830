import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import util from "node:util";
import * as tf from "@tensorflow/tfjs";
import { type NativeEnvironment, nativeLocation } from "./native-location.ts";
import { useExplicitTransposes } from "./wasm-gradients.ts";

/** What computes: a GPU through TensorFlow, the CPU through TensorFlow, WebAssembly, or plain JavaScript. */
export const backendNames = ["gpu", "native", "wasm", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

export type Backend = {
  readonly name: BackendName;
  /** for people: what runs, and how to get a faster one */
  readonly description: string;
};

export type BackendEnvironment = NativeEnvironment & {
  /** one of backendNames: this one or none */
  readonly EVENKEEL_BACKEND?: string | undefined;
  /** threads of the native backend; all cores when absent */
  readonly EVENKEEL_THREADS?: string | undefined;
};

/** The backend that was asked for does not start here. */
export class BackendUnavailable extends Error {
  override readonly name = "BackendUnavailable";
}

const require = createRequire(import.meta.url);
let running: Promise<Backend> | undefined;

/**
 * Starts the fastest backend there is, once a process: a GPU, the native CPU backend, wasm, plain JavaScript.
 * EVENKEEL_BACKEND forces one.
 *
 * @throws {BackendUnavailable} when the forced one does not start
 */
export function startBackend(env: BackendEnvironment = process.env): Promise<Backend> {
  // A start that failed is not kept: the caller may ask for another one.
  running ??= start(env).catch((error: unknown) => {
    running = undefined;
    throw error;
  });
  return running;
}

async function start(env: BackendEnvironment): Promise<Backend> {
  const wanted = env.EVENKEEL_BACKEND || undefined;
  if (wanted !== undefined && !backendNames.some((name) => name === wanted)) {
    throw new BackendUnavailable(`EVENKEEL_BACKEND: ${wanted} is not one of ${backendNames.join(", ")}`);
  }
  let why = "";
  if (wanted === undefined || wanted === "gpu" || wanted === "native") {
    const native = await startNative(env);
    if ("backend" in native && (wanted !== "gpu" || native.backend.name === "gpu")) return native.backend;
    why = "why" in native ? native.why : "TensorFlow sees no GPU";
    if (wanted !== undefined) throw new BackendUnavailable(`EVENKEEL_BACKEND=${wanted}: ${why}`);
  }
  if (wanted !== "cpu") {
    await import("@tensorflow/tfjs-backend-wasm");
    if (await tf.setBackend("wasm")) {
      useExplicitTransposes();
      return { name: "wasm", description: `wasm on one thread. ${faster(why)}` };
    }
    if (wanted === "wasm") throw new BackendUnavailable("EVENKEEL_BACKEND=wasm: it does not start here");
  }
  await tf.setBackend("cpu");
  return { name: "cpu", description: `plain JavaScript, the slowest. ${faster(why)}` };
}

function faster(why: string): string {
  return `Faster by 3 to 10 times: build the native backend with make native${why && ` (${why})`}`;
}

/** The addon of the package itself where an install made one, else the one that `make native` builds. */
function addons(env: NativeEnvironment): string[] {
  const packaged = join(
    dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json")),
    "lib/napi-v8/tfjs_binding.node",
  );
  return [...(env.EVENKEEL_NATIVE ? [] : [packaged]), nativeLocation(env)];
}

async function startNative(env: BackendEnvironment): Promise<{ backend: Backend } | { why: string }> {
  const addon = addons(env).find((path) => existsSync(path));
  if (addon === undefined) return { why: `there is none at ${nativeLocation(env)}` };
  // Read by TensorFlow as it loads.
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  process.env["TF_DETERMINISTIC_OPS"] ??= "1";
  // oneDNN brings nothing at these sizes, orders sums differently, and announces itself on every start.
  process.env["TF_ENABLE_ONEDNN_OPTS"] ??= "0";
  if (env.EVENKEEL_THREADS) {
    for (const name of ["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"]) {
      process.env[name] = env.EVENKEEL_THREADS;
    }
  }
  try {
    // Node 23 removed util.isNullOrUndefined, which tfjs-node 4.22 still calls (tensorflow/tfjs#8425), and warns of isArray.
    const isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined;
    Object.assign(util, { isNullOrUndefined, isArray: Array.isArray });
    await import("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");
    const { NodeJSKernelBackend } = await import("@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js");
    const backend = new NodeJSKernelBackend(require(addon), "@tensorflow/tfjs-node");
    tf.registerBackend("tensorflow", () => backend, 3);
    if (!(await tf.setBackend("tensorflow"))) return { why: `${addon} does not start` };
    return {
      backend: backend.isUsingGpuDevice
        ? { name: "gpu", description: "TensorFlow on a GPU" }
        : {
            name: "native",
            description: `TensorFlow on ${env.EVENKEEL_THREADS ? `${env.EVENKEEL_THREADS} CPU threads` : "all CPU cores"}. Faster: a GPU with the CUDA trainer image`,
          },
    };
  } catch (error) {
    return {
      why: `${addon} does not load: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}`,
    };
  }
}
