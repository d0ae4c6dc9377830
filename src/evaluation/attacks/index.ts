export { type Ball, ballOf } from "./ball.ts";
export { type CraftOptions, craftAttacks } from "./craft.ts";
export { type CurvePoint, epsilonCurve } from "./epsilon-curve.ts";
export { type MaskingCheck, maskingChecks } from "./masking.ts";
export { type Budget, gatingAttacks } from "./suite.ts";
export {
  attackRows,
  embedFlat,
  type Queries,
  type Setting,
  type Victim,
  type WorstCase,
  worstCase,
} from "./worst-case.ts";
