/** A rollout that ended for one of these leaves the workload's field to somebody else's wish. */
export const handsOff: ReadonlySet<string> = new Set(["ServiceDeleted", "FieldContested", "NotActive"]);
