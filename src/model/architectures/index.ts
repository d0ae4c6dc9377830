import { z } from "zod";
import { BundleError, fieldErrors, inWords } from "../../registry/index.ts";
import type { Network } from "../network.ts";
import { residualMlp } from "./residual-mlp.ts";
import { vit } from "./vit.ts";

/** Every architecture. Another one is one more file and one more line here. */
const modelTypes = [residualMlp.modelType, vit.modelType];

/**
 * @param config  content of a `config.json`
 * @throws {BundleError} naming the field, or when the architecture is not one of ours
 */
export function buildNetwork(config: unknown): Network {
  const type = z.object({ model_type: z.string() }).safeParse(config, { error: inWords });
  if (!type.success) throw new BundleError(`config.json: ${fieldErrors(type.error)}`);
  switch (type.data.model_type) {
    case residualMlp.modelType:
      return residualMlp.build(parse(residualMlp.schema, config));
    case vit.modelType:
      return vit.build(parse(vit.schema, config));
    default:
      throw new BundleError(
        `config.json: model_type ${JSON.stringify(type.data.model_type)} is not one of ${modelTypes.join(", ")}`,
      );
  }
}

function parse<Config>(schema: z.ZodType<Config>, config: unknown): Config {
  const parsed = schema.safeParse(config, { error: inWords });
  if (!parsed.success) throw new BundleError(`config.json: ${fieldErrors(parsed.error)}`);
  return parsed.data;
}
