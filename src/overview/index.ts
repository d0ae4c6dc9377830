export { type AuditChain, readAudit } from "./audit.ts";
export { follow } from "./follow.ts";
export { type Objects, type Overview, overview, readObjects } from "./overview.ts";
export { publishedReport } from "./published-report.ts";
export { waitingFor } from "./waiting.ts";
