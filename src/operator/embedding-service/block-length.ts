import type { MonitorState } from "../../api/index.ts";

/** Above this, blocks of one time tell of the next: false alarms are more than the budget says (decision 1). */
const limit = 0.2;

type Independence = readonly [holds: boolean | null, reason: string, message: string];

/** Whether blocks are longer than the traffic's mixing time, as it was measured. */
export function blocksIndependent(measured: MonitorState["autocorrelation"], block: string): Independence {
  if (!measured) return [null, "NotMeasured", "there are not enough blocks in a row yet"];
  if (measured.lower <= limit) return [true, "Uncorrelated", ""];
  const length = Number.parseInt(block, 10);
  const longer = `${2 * length}${block.slice(String(length).length)}`;
  const message = `blocks of ${block} are correlated (${measured.value.toFixed(1)}): set monitoring.block to ${longer}`;
  return [false, "Correlated", message];
}
