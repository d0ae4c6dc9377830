/** What was given to be packed cannot be. The message names the file or the line. */
export class PackError extends Error {
  override readonly name = "PackError";
}

/** One input on its way into a dataset. */
export type Row = {
  /** its file or line, for messages */
  readonly at: string;
  readonly input: RowInput;
  readonly label: string | null;
  /** what it was made from, where the user says so */
  readonly source: string | null;
  readonly domain: string | null;
  /** share of everything that has been read with it, 0 to 1 */
  readonly done: number;
};

export type RowInput =
  | { readonly modality: "Image"; readonly shape: readonly number[]; readonly numbers: Uint8Array }
  | { readonly modality: "Vector"; readonly shape: readonly number[]; readonly numbers: Float32Array };
