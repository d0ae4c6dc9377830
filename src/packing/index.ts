export { type Packed, pack } from "./pack.ts";
export { PackError } from "./row.ts";
