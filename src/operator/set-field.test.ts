import { describe, expect, it } from "vitest";
import { refusingTurn } from "../../test/harness/refusing-turn.ts";
import { KubeError, type KubeErrorKind } from "../kube/index.ts";
import { uri, workload } from "./model-rollout/world.fixture.ts";
import { serviceFixture } from "./service.fixture.ts";
import { setField } from "./set-field.ts";

/** What the API server's refusal of the apply comes to. */
async function answerTo(kind: KubeErrorKind) {
  const { turn, stop } = await refusingTurn();
  try {
    const apply = async (): Promise<never> => {
      const message = 'conflict with "argocd" using apps/v1: .spec.template.spec.containers[name="main"].env';
      throw new KubeError(kind, message, { causes: [{ reason: "FieldManagerConflict", field: "", message }] });
    };
    return await setField({ ...turn, kube: { apply } }, serviceFixture(), workload(uri("a")), uri("b"));
  } finally {
    await stop();
  }
}

describe("the workload's field", () => {
  it("that somebody else owns is not fought for: they are named", async () => {
    const message = expect.stringMatching(/^MODEL_URI of the workload is owned by argocd: to free it, /);
    expect(await answerTo("FieldConflict")).toEqual({ reason: "FieldContested", message });
  });

  it("that a policy keeps as it is, is said", async () => {
    expect(await answerTo("Forbidden")).toMatchObject({ reason: "Refused" });
  });

  it("of a workload that has changed since is looked at again", async () => {
    await expect(answerTo("Conflict")).rejects.toThrow("conflict");
  });
});
