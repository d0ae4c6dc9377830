import * as tf from "@tensorflow/tfjs";
import { startBackend } from "../../src/model/index.ts";

/** Computes with wasm from now on: a process keeps the backend that it started, and files that share it may set another. */
export async function useWasm(): Promise<void> {
  await startBackend({ EVENKEEL_BACKEND: "wasm" });
  if (!(await tf.setBackend("wasm"))) throw new Error("wasm does not start here");
}
