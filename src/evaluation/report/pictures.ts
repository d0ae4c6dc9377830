import { encode } from "fast-png";
import { embedFlat } from "../attacks/index.ts";
import type { Context } from "../context.ts";
import { type Model, neighbourhood, servedIndex } from "../model.ts";
import { nearest, vote } from "../neighbours.ts";

/** A picture of the evaluation set as a data URI. Captured traffic is never among them. */
export type Picture = { readonly uri: string; readonly label: string };

/** A query and its nearest documents on the served index, before and after. */
export type NeighbourExample = {
  readonly query: Picture;
  readonly active: readonly Picture[];
  readonly candidate: readonly Picture[];
  readonly activeRight: boolean;
  readonly candidateRight: boolean;
};

/** An input, its perturbed copy, and the change, magnified. */
export type AttackExample = {
  readonly clean: Picture;
  readonly perturbed: Picture;
  readonly change: Picture;
  /** what the model takes the perturbed one for */
  readonly takenFor: string;
};

export type Pictures = { readonly neighbours: readonly NeighbourExample[]; readonly attacks: readonly AttackExample[] };

const shown = 6;

/** Examples for the report; none for vectors, which have no picture. */
export function drawPictures(context: Context): Pictures {
  if (context.set.dataset.modality !== "Image" || context.set.kind !== "Labelled")
    return { neighbours: [], attacks: [] };
  return { neighbours: neighbourExamples(context), attacks: attackExamples(context) };
}

/** Gains first, then what was lost, so that the report does not only show what flatters. */
function neighbourExamples({ set, models }: Context): NeighbourExample[] {
  const isShifted = set.gate.shifted.count > 0;
  const part = isShifted ? set.gate.shifted : set.gate.old;
  const look = (model: Model) => {
    const found = nearest(isShifted ? model.shifted : model.old, servedIndex(model, models), neighbourhood);
    return { found, votes: vote(found, set.documents.labels) };
  };
  const [active, candidate] = [look(models.active), look(models.candidate)];
  const rows = Array.from(part.labels, (_, i) => i);
  const isRight = (side: typeof active, row: number): boolean => side.votes[row] === part.labels[row];
  const gained = rows.filter((row) => isRight(candidate, row) && !isRight(active, row)).slice(0, 4);
  const lost = rows.filter((row) => !isRight(candidate, row) && isRight(active, row)).slice(0, 2);
  const documents = ({ found }: typeof active, row: number): Picture[] =>
    Array.from(found.rows.subarray(row * found.k, row * found.k + shown), (document) =>
      picture(set.documents.inputs, set.dataset.shape, document, String(set.documents.labels[document] ?? "?")),
    );
  return [...gained, ...lost].map((row) => ({
    query: picture(part.inputs, set.dataset.shape, row, String(part.labels[row] ?? "?")),
    active: documents(active, row),
    candidate: documents(candidate, row),
    activeRight: isRight(active, row),
    candidateRight: isRight(candidate, row),
  }));
}

function attackExamples({ set, models, robustness, attacked }: Context): AttackExample[] {
  const [family] = robustness;
  if (!family) return [];
  const broken = Array.from(attacked.labels, (_, i) => i)
    .filter((i) => family.active.right[i] === 0 && family.candidate.right[i] === 1)
    .slice(0, shown);
  const { shape } = set.dataset;
  const size = set.size;
  return broken.map((i) => {
    const clean = attacked.inputs.subarray(i * size, (i + 1) * size);
    const perturbed = family.active.adversarial.subarray(i * size, (i + 1) * size);
    const change = perturbed.map(
      (value, j) => 0.5 + (0.5 * (value - (clean[j] ?? 0))) / (family.perturbation.epsilon || 1),
    );
    const own = String(attacked.labels[i] ?? "?");
    return {
      clean: picture(clean, shape, 0, own),
      perturbed: picture(perturbed, shape, 0, own),
      change: picture(change, shape, 0, "change"),
      takenFor: takenFor(perturbed, models.active),
    };
  });

  function takenFor(input: Float32Array, model: Model): string {
    const vector = embedFlat(model, input);
    const [label] = vote(nearest(vector, servedIndex(model, models), neighbourhood), set.documents.labels);
    return String(label ?? "?");
  }
}

function picture(inputs: Float32Array, shape: readonly number[], row: number, label: string): Picture {
  const [height = 1, width = 1, channels = 1] = shape;
  const size = height * width * channels;
  const data = Uint8Array.from(inputs.subarray(row * size, (row + 1) * size), (value) =>
    Math.round(255 * Math.min(1, Math.max(0, value))),
  );
  const png = encode({ width, height, data, channels, depth: 8 });
  return { uri: `data:image/png;base64,${Buffer.from(png).toString("base64")}`, label };
}
