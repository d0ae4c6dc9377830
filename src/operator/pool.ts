import { short } from "./identity.ts";
import { labels } from "./labels.ts";

/** Labels that a pool's pods are selected by (decision 30). */
export function poolSelector(service: string, digest: string): Record<string, string> {
  return { [labels.service]: service, [labels.version]: short(digest, 8) };
}
