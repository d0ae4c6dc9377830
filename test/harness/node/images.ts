import { join } from "node:path";
import { cacheFolder } from "../../../src/model/native-location.ts";
import type { Image } from "./pod.ts";

const repository = join(import.meta.dirname, "../../..");

/** This checkout as an image: the entrypoint is `evenkeel`, so a container's args name the subcommand. */
export function evenkeelImage(env: Readonly<Record<string, string>> = {}): Image {
  const cache = cacheFolder(process.env);
  return {
    entrypoint: [process.execPath, join(repository, "src/main.ts")],
    // A container has no home; the native backend is found by the cache's path.
    env: { EVENKEEL_CACHE: cache, ...env },
    folders: [repository, cache],
  };
}

/** Node alone: a container's args are node's. */
export function nodeImage(env: Readonly<Record<string, string>> = {}): Image {
  return { entrypoint: [process.execPath], env, folders: [repository] };
}

/** The machine's own tools: a container names its command. */
export const shellImage: Image = { entrypoint: [], cmd: ["sh", "-c", "echo no command given; exit 2"] };
