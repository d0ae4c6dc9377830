import { expect, it } from "vitest";
import { serviceFixture } from "../operator/service.fixture.ts";
import { CommandError } from "./command-error.ts";
import { requirePromotable } from "./require-promotable.ts";

const said = (status: string, reason: string) =>
  serviceFixture({
    status: {
      conditions: [
        { type: "Promotable", status, reason, message: "owned by helm", lastTransitionTime: "2026-11-24T08:00:00Z" },
      ],
    },
  });

it("refuses a field of somebody else's, with whose it is", () => {
  expect(() => requirePromotable(said("False", "FieldOwnedBy"))).toThrow(
    new CommandError("refused", "shop can be given no other model: owned by helm"),
  );
});

it.each([
  ["free", said("True", "FieldFree")],
  ["not known yet", said("Unknown", "Unknown")],
  ["of a service that nothing is known of", serviceFixture()],
])("lets pass a field that is %s", (_, service) => {
  expect(() => requirePromotable(service)).not.toThrow();
});
