import type { GatewayConfig } from "../../api/index.ts";
import { openAi } from "./openai.ts";
import type { Protocol } from "./protocol.ts";
import { tei } from "./tei.ts";

export { type EmbeddingRequest, type Protocol, Unparsed, type WireInput } from "./protocol.ts";

/** Adding a protocol touches its file, this list, and the enum of the API. */
export const protocols: Readonly<Record<GatewayConfig["protocol"], Protocol>> = { OpenAI: openAi, TEI: tei };
