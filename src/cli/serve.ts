import { Command } from "commander";
import { loadEncoder, startBackend } from "../model/index.ts";
import { BundleError, openStore, readDescription, StoreError } from "../registry/index.ts";
import { EmbeddingServer, type ServedModel } from "../serve/server.ts";
import { cannotListen } from "./cannot-listen.ts";
import { CommandError } from "./command-error.ts";
import { howNotRead } from "./how-not-read.ts";
import { listenHost } from "./listen-host.ts";
import { portNumber } from "./numbers.ts";
import { ofFolder } from "./of-folder.ts";
import { requireFolder } from "./require-folder.ts";

type Options = { model?: string; uri?: string; store?: string; port: number; host: string };

const examples = `
Examples:
  evenkeel serve --model ./products --port 8080               a folder with config.json and model.safetensors
  evenkeel serve                                              in a pod, where MODEL_URI and EVENKEEL_STORE say what
  curl -s http://127.0.0.1:8080/v1/embeddings -H 'content-type: application/json' -d '{"input": [[0.1, 2.5]]}'

Exit codes: 0 stopped by SIGTERM, 1 failed, 2 wrong usage, 3 not in the store, or no such store, 5 the model is not whole.`;

export const command = new Command("serve")
  .description("The reference embedding server, with OpenAI's and text-embeddings-inference's protocols.")
  .option("--model <folder>", "a model's folder, instead of one in the store")
  .option("--uri <uri>", "store://NAME@sha256:DIGEST (MODEL_URI)", process.env["MODEL_URI"])
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .option("--port <port>", "port to listen on, 0 for any", portNumber, 8080)
  .option("--host <address>", "address to listen on (in a pod: every one)", listenHost())
  .addHelpText("after", examples)
  .action(async (options: Options) => {
    const model = await load(options);
    const server = new EmbeddingServer(model);
    const { host } = options;
    const port = await server.listen(options.port, host).catch((error: unknown) => {
      throw cannotListen(error, { ports: { "--port": options.port }, host });
    });
    console.log(`evenkeel: ${model.name} on http://${host}:${port}`);
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        console.log(`evenkeel: ${signal}, answering what is under way`);
        void server.drain().then(() => process.exit(0));
      });
    }
  });

async function load({ model, uri, store }: Options): Promise<ServedModel> {
  if (!model && !uri) throw new CommandError("usage", "nothing to serve: give --model, --uri or MODEL_URI");
  if (!model && !store) throw new CommandError("usage", `no store to take ${uri} from: give --store or EVENKEEL_STORE`);
  if (!model) await requireFolder(store ?? "", `the store ${store}`);
  try {
    const folder = model ?? (await openStore(store ?? "").resolve(uri ?? ""));
    const backend = await startBackend();
    console.log(`evenkeel: backend: ${backend.description}`);
    return await ofFolder(model ?? uri ?? "", async (name) => {
      const encoder = await loadEncoder(folder);
      return { name, encoder, modality: await modalityOf(folder, encoder.network.inputShape) };
    });
  } catch (error) {
    if (error instanceof BundleError) throw new CommandError("verificationFailed", error.message);
    if (!(error instanceof StoreError)) throw error;
    throw new CommandError(howNotRead(error), error.message);
  }
}

/** A folder without `evenkeel.json` is a foreign model: three sides are an image. */
async function modalityOf(folder: string, shape: readonly number[]): Promise<ServedModel["modality"]> {
  try {
    return (await readDescription(folder)).modality;
  } catch (error) {
    const cause = error instanceof BundleError ? error.cause : undefined;
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") {
      return shape.length === 3 ? "Image" : "Vector";
    }
    throw error;
  }
}
