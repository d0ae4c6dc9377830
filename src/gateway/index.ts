export { alarmsName } from "./alarm-evidence.ts";
export { readCertificate } from "./certificate.ts";
export { Gateway } from "./gateway.ts";
export { type RecomputedAlarm, recomputeEvidence } from "./recomputed-alarm.ts";
