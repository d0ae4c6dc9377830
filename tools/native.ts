/**
 * Builds the native TensorFlow backend: the binding sources of `@tensorflow/tfjs-node-gpu`, compiled against the
 * libtensorflow of the Python wheel. The npm package's own download is TensorFlow 2.9.1, which knows no current GPU.
 *
 *     node tools/native.ts [--optional]     prints the addon's path; --optional: exit 0 where it can't be built
 *     node tools/native.ts --tensorflow DIR [--run-path DIR] --out FILE     against an installed TensorFlow (CUDA image)
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { cacheFolder, nativeLocation, nativeVersions } from "../src/model/native-location.ts";
import { buildOnce, runToEnd } from "./build-once.ts";

const require = createRequire(import.meta.url);
const libraries = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"] as const;

/**
 * The addon's path, built first where it is missing.
 *
 * @throws when this machine can't build it: the message says what is missing
 */
export async function ensureNative(): Promise<string> {
  const addon = nativeLocation(process.env);
  if (existsSync(addon)) return addon;
  if (process.env.EVENKEEL_NATIVE) throw new Error(`EVENKEEL_NATIVE is ${addon}, where there is no file`);
  if (process.platform !== "linux") {
    throw new Error(`the native backend is built on Linux only, this is ${process.platform}: wasm runs instead`);
  }
  await buildOnce({
    folder: dirname(addon),
    what: `the native backend (tfjs ${nativeVersions.binding} on TensorFlow ${nativeVersions.tensorflow})`,
    usually: "1 to 2 minutes, a download of 274 MB included",
    make: compile,
  });
  return addon;
}

async function compile(into: string): Promise<void> {
  const source = dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  const { version } = require("@tensorflow/tfjs-node-gpu/package.json");
  if (version !== nativeVersions.binding) {
    throw new Error(
      `@tensorflow/tfjs-node-gpu is ${version}, src/model/native-location.ts expects ${nativeVersions.binding}`,
    );
  }
  const unpacked = join(into, "wheel");
  const include = `${unpacked}/tensorflow/include`;
  await runToEnd("unzip", [
    "-q",
    await wheel(),
    ...libraries.map((name) => `tensorflow/${name}`),
    "tensorflow/include/*",
    "-d",
    unpacked,
  ]);
  for (const name of libraries) await rename(`${unpacked}/tensorflow/${name}`, join(into, name));
  // The linker wants names ending in .so; what the addon records is the library's own soname.
  await symlink(join(into, libraries[0]), `${unpacked}/libtensorflow.so`);
  await symlink(join(into, libraries[1]), `${unpacked}/libtensorflow_framework.so`);
  await compileAddon({
    source,
    include,
    libraries: unpacked,
    runPath: "$ORIGIN",
    out: join(into, "tfjs_binding.node"),
  });
  await copyFile(`${include}/LICENSE`, join(into, "LICENSE"));
  await rm(unpacked, { recursive: true });
  await runToEnd(process.execPath, [join(import.meta.dirname, "native-check.ts"), join(into, "tfjs_binding.node")]);
}

interface Addon {
  /** Folder of `@tensorflow/tfjs-node-gpu`. */
  readonly source: string;
  /** TensorFlow's C headers. */
  readonly include: string;
  /** Folder with `libtensorflow.so` and `libtensorflow_framework.so`. */
  readonly libraries: string;
  /** Where the addon looks for them when it is loaded. */
  readonly runPath: string;
  readonly out: string;
}

async function compileAddon({ source, include, libraries, runPath, out }: Addon): Promise<void> {
  const headers = [nodeHeaders(), source, include].map((folder) => `-I${folder}`);
  const sources = ["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(source, "binding", file));
  const linked = [`-L${libraries}`, "-ltensorflow", "-ltensorflow_framework", `-Wl,-rpath,${runPath}`];
  const flags = ["-O2", "-std=c++17", "-shared", "-fPIC", `-DNAPI_VERSION=${nativeVersions.napi}`];
  await runToEnd("g++", [...flags, ...headers, ...sources, ...linked, "-o", out]);
}

/**
 * The addon against a TensorFlow that is installed already, as the CUDA image has it.
 *
 * @param tensorflow  folder of the Python package `tensorflow`
 * @param runPath     where its libraries lie when the addon is loaded
 */
async function compileAgainst(tensorflow: string, runPath: string, out: string): Promise<void> {
  const links = `${out}.link`;
  await mkdir(links, { recursive: true });
  for (const name of libraries) {
    await symlink(join(tensorflow, name), join(links, name.replace(/(_cc)?\.so\.2$/, ".so")));
  }
  const source = dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  await compileAddon({ source, include: join(tensorflow, "include"), libraries: links, runPath, out });
  await rm(links, { recursive: true });
  await runToEnd(process.execPath, [join(import.meta.dirname, "native-check.ts"), out]);
}

/** Node's own C headers: the platform package brings them beside the executable. */
function nodeHeaders(): string {
  const folder = join(dirname(process.execPath), "..", "include", "node");
  if (!existsSync(join(folder, "node_api.h")))
    throw new Error(`no node_api.h in ${folder}: use the node of node_modules/.bin`);
  return folder;
}

/** The wheel that carries libtensorflow, downloaded once. The interpreter's version it is for doesn't matter to us. */
async function wheel(): Promise<string> {
  const name = process.arch === "x64" ? "tensorflow-cpu" : "tensorflow";
  const folder = join(cacheFolder(process.env), `wheel-${name}-${nativeVersions.tensorflow}`);
  await buildOnce({
    folder,
    what: `${name} ${nativeVersions.tensorflow} (download)`,
    usually: "half a minute",
    make: async (into) => {
      const partial = join(into, "partial");
      await mkdir(partial);
      await runToEnd("python3", [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary=:all:",
        "--python-version=3.11",
        "--dest",
        partial,
        `${name}==${nativeVersions.tensorflow}`,
      ]);
      for (const file of await readdir(partial)) await rename(join(partial, file), join(into, basename(file)));
      await rm(partial, { recursive: true });
    },
  });
  const file = (await readdir(folder)).find((candidate) => candidate.endsWith(".whl"));
  if (!file) throw new Error(`no wheel in ${folder}: remove that folder and try again`);
  return join(folder, file);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      optional: { type: "boolean", default: false },
      tensorflow: { type: "string" },
      "run-path": { type: "string" },
      out: { type: "string" },
    },
  });
  const { tensorflow, out } = values;
  try {
    if (tensorflow && out) {
      await compileAgainst(tensorflow, values["run-path"] ?? tensorflow, out);
      console.log(out);
    } else {
      console.log(await ensureNative());
    }
  } catch (error) {
    console.error(`evenkeel: no native backend: ${error instanceof Error ? error.message : String(error)}`);
    console.error(
      "evenkeel: it needs python3 with pip, unzip and g++; without it training runs on wasm, about 3 to 10 times slower",
    );
    process.exitCode = values.optional ? 0 : 1;
  }
}
