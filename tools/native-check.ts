/** Loads an addon in a fresh process, multiplies two matrices on it, compares with the closed form, says how fast. */
import { createRequire } from "node:module";
import * as util from "node:util";

const require = createRequire(import.meta.url);
// Node 23 removed util.isNullOrUndefined, which tfjs-node 4.22 still calls (tensorflow/tfjs#8425).
Object.assign(require("node:util"), { isNullOrUndefined: (value: unknown) => value === null || value === undefined });

const addon = process.argv[2];
if (!addon) throw new Error("usage: node tools/native-check.ts PATH/TO/tfjs_binding.node");
process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
const tf = require("@tensorflow/tfjs");
require("@tensorflow/tfjs-node-gpu/dist/register_all_kernels");
const { NodeJSKernelBackend } = require("@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend");
tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(require(addon), "@tensorflow/tfjs-node"), 3);
if (!(await tf.setBackend("tensorflow"))) throw new Error("the backend does not start");

const size = 1024;
const product = tf.matMul(tf.fill([size, size], 0.5), tf.eye(size).mul(3));
const wrong = product.sub(1.5).abs().max().dataSync()[0];
if (wrong !== 0) throw new Error(util.format("matrix product off by", wrong));

const rounds = 10;
const matrix = tf.randomUniform([size, size]);
const once = () => tf.matMul(matrix, matrix).sum().dataSync();
once();
const started = performance.now();
for (let round = 0; round < rounds; round++) once();
const seconds = (performance.now() - started) / 1000;
console.error(`evenkeel: native backend works, ${Math.round((2 * size ** 3 * rounds) / seconds / 1e9)} GFLOP/s`);
