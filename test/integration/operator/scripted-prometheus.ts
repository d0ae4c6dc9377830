import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** One series of an answer. */
export interface ScriptedSample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What it answers to a query; null is a source that fails with 500. */
export type Script = (query: string) => readonly ScriptedSample[] | null;

export interface ScriptedPrometheus {
  readonly url: string;
  script: Script;
  readonly stop: () => Promise<void>;
}

/** A real HTTP server that speaks Prometheus' instant query API and answers as it is told. */
export async function startScriptedPrometheus(script: Script): Promise<ScriptedPrometheus> {
  const scripted = { script };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const parameters = new URLSearchParams(body);
    const samples = scripted.script(parameters.get("query") ?? "");
    response.setHeader("content-type", "application/json");
    if (samples === null) {
      response.writeHead(500).end("{}");
      return;
    }
    const at = Number(parameters.get("time"));
    const result = samples.map(({ labels = {}, value }) => ({ metric: labels, value: [at, String(value)] }));
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on TCP");
  return {
    url: `http://127.0.0.1:${address.port}`,
    get script() {
      return scripted.script;
    },
    set script(next) {
      scripted.script = next;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The figures of a built-in signal, as a gateway exports them. */
export function alarmSeries(alarm: 0 | 1, number = 1): ScriptedSample[] {
  const series = (name: string, value: number): ScriptedSample => ({
    labels: { __name__: `evenkeel_monitor_${name}`, pod: "gateway-a" },
    value,
  });
  return [
    series("alarm", alarm),
    series("alarm_number", number),
    series("learning", 0),
    series("log10_evalue", alarm === 1 ? 9 : 0),
    series("log10_threshold", 4),
    series("effect_size", alarm),
    series("samples", 500),
    series("flagged_share_lower_bound", alarm === 1 ? 0.5 : 0),
    series("flagged_share_threshold", 0.1),
    series("last_block_timestamp_seconds", Date.now() / 1000),
  ];
}
