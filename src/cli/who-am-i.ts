import { type Kube, type KubeObject, resource } from "../kube/index.ts";

interface SelfSubjectReview extends KubeObject {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

const selfSubjectReviews = resource<SelfSubjectReview>({
  group: "authentication.k8s.io",
  version: "v1",
  plural: "selfsubjectreviews",
  kind: "SelfSubjectReview",
  namespaced: false,
});

/** The name by which the cluster knows who is calling: approvals carry it. */
export async function whoAmI(kube: Kube): Promise<string> {
  const { status } = await kube.create(selfSubjectReviews, { metadata: { name: "" } });
  return status?.userInfo?.username ?? "unknown";
}
