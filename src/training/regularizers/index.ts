import { jacobian } from "./jacobian.ts";
import { variance } from "./variance.ts";

export type { Regularizer, RegularizerInput } from "./regularizer.ts";

/** Every regularizer. Another one is one more file and one more line here. */
export const regularizers = { jacobian, variance } as const;
