import { isKubeError, type KubeError } from "../kube/index.ts";

/**
 * Why a read failed that a turn can do without: what does not depend on it goes on (decision 25). A webhook that is down
 * answers a dry run with 500, and a Role may not let a Secret be read.
 *
 * @throws what ends the turn: the loss of leadership, its own deadline, a fault in the program
 */
export function unread(error: unknown): KubeError {
  if (!isKubeError(error) || isKubeError(error, "Fenced", "Aborted")) throw error;
  return error;
}
