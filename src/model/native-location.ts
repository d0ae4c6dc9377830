import { homedir } from "node:os";
import { join } from "node:path";

/** Versions that decide which build of the native backend fits. A change of any of them is another build. */
export const nativeVersions = {
  /** Release of `@tensorflow/tfjs-node-gpu` whose binding sources are compiled. */
  binding: "4.22.0",
  /** Release of the Python wheel that brings libtensorflow. */
  tensorflow: "2.21.0",
  /** Node-API level; its ABI is stable over Node releases, so Node's own version is no part of the key. */
  napi: 8,
} as const;

/** The part of the environment that moves the cache or names a build. */
export interface NativeEnvironment {
  readonly EVENKEEL_NATIVE?: string | undefined;
  readonly EVENKEEL_CACHE?: string | undefined;
  readonly XDG_CACHE_HOME?: string | undefined;
}

/** The per-user folder in which built servers and libraries stay: `$EVENKEEL_CACHE`, else `~/.cache/evenkeel`. */
export function cacheFolder(env: NativeEnvironment, home: string = homedir()): string {
  if (env.EVENKEEL_CACHE) return env.EVENKEEL_CACHE;
  return join(env.XDG_CACHE_HOME || join(home, ".cache"), "evenkeel");
}

/**
 * Where the native backend's addon (`tfjs_binding.node`) is, or would be once `make native` has built it.
 *
 * `$EVENKEEL_NATIVE` names a build by hand (the GPU trainer image does). libtensorflow lies beside the addon, which
 * finds it by its run path.
 *
 * @param env       usually `process.env`
 * @param platform  `process.platform` and `process.arch` joined by a dash, such as `linux-x64`
 */
export function nativeLocation(
  env: NativeEnvironment,
  platform = `${process.platform}-${process.arch}`,
  home: string = homedir(),
): string {
  if (env.EVENKEEL_NATIVE) return env.EVENKEEL_NATIVE;
  const { binding, tensorflow, napi } = nativeVersions;
  const key = `native-tfjs${binding}-tensorflow${tensorflow}-napi${napi}-${platform}`;
  return join(cacheFolder(env, home), key, "tfjs_binding.node");
}
