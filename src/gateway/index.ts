export { readCertificate } from "./certificate.ts";
export { Gateway } from "./gateway.ts";
