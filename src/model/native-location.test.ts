import { describe, expect, it } from "vitest";
import { nativeLocation, nativeVersions } from "./native-location.ts";

const build = `native-tfjs${nativeVersions.binding}-tensorflow${nativeVersions.tensorflow}-napi8-linux-x64`;

describe("nativeLocation", () => {
  it.each([
    ["an explicit build first", { EVENKEEL_NATIVE: "/gpu/a.node", EVENKEEL_CACHE: "/c" }, "/gpu/a.node"],
    ["the named cache", { EVENKEEL_CACHE: "/c" }, `/c/${build}/tfjs_binding.node`],
    ["the XDG cache", { XDG_CACHE_HOME: "/x" }, `/x/evenkeel/${build}/tfjs_binding.node`],
    ["the home folder", {}, `/home/ada/.cache/evenkeel/${build}/tfjs_binding.node`],
    [
      "empty values as unset",
      { EVENKEEL_NATIVE: "", EVENKEEL_CACHE: "" },
      `/home/ada/.cache/evenkeel/${build}/tfjs_binding.node`,
    ],
  ])("takes %s", (_, env, path) => {
    expect(nativeLocation(env, "linux-x64", "/home/ada")).toBe(path);
  });
});
