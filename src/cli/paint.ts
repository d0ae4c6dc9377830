import { styleText } from "node:util";

export type Tone = "good" | "bad" | "warn" | "dim" | "strong" | "plain";

/** Puts a tone on a text, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

const styles = { good: "green", bad: "red", warn: "yellow", dim: "dim", strong: "bold" } as const;

export const colours: Paint = (tone, text) =>
  tone === "plain" ? text : styleText(styles[tone], text, { validateStream: false });

export const noColours: Paint = (_tone, text) => text;

/** Colours for a terminal that wants them: see https://no-color.org. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return stream.isTTY && !process.env["NO_COLOR"] && stream.hasColors() ? colours : noColours;
}
