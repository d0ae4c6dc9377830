import { expect, it } from "vitest";
import { ownersText } from "./free-field.ts";
import { serviceFixture } from "./service.fixture.ts";

const setEnv = "run `kubectl set env deployment/embedder -c main MODEL_URI-`";
const manifest = (manager: string): string =>
  `leave the value of MODEL_URI out of the manifest that ${manager} applies, and apply it`;

it.each([
  ["kubectl-set", setEnv],
  ["kubectl-edit", setEnv],
  ["kubectl-rollout", setEnv],
  // kubectl apply, client-side and server-side; then GitOps and Helm.
  ["kubectl-client-side-apply", manifest("kubectl-client-side-apply")],
  ["kubectl", manifest("kubectl")],
  ["argocd-controller", manifest("argocd-controller")],
  ["helm", manifest("helm")],
])("what frees the field of %s is said", (manager, way) => {
  expect(ownersText(serviceFixture().spec, [manager])).toBe(
    `MODEL_URI of the workload is owned by ${manager}: to free it, ${way}`,
  );
});

it("of several owners the one with a manifest comes first: it would bring the value back", () => {
  const said = ownersText(serviceFixture().spec, ["kubectl-set", "argocd-controller"]);
  expect(said).toContain("is owned by kubectl-set, argocd-controller: ");
  expect(said).toContain(`${manifest("argocd-controller")}, then ${setEnv}`);
});
