import { expect, it } from "vitest";
import { modelIdentity } from "./model-identity.ts";

it("a model is known by its pinned digest, or by the hash of its URI", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(modelIdentity(`store://m@${digest}`)).toEqual({ digest, pinned: true });
  expect(modelIdentity("hub/model:latest")).toEqual({
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    pinned: false,
  });
});
