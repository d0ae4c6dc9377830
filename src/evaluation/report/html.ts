import { attackChart, beforeAfterChart, boundMark, epsilonChart, percent, short } from "./charts.ts";
import type { NeighbourExample, Picture, Pictures } from "./pictures.ts";
import type { EvaluationReport } from "./schema.ts";
import { style } from "./style.ts";

/**
 * The report as one page that needs nothing else: no script, no font, no request. Everything that comes from outside is
 * escaped, and a policy in the page forbids whatever escaping could have missed.
 */
export function reportHtml(report: EvaluationReport, pictures: Pictures): string {
  const title = `Evaluation of ${report.run}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escape(title)}</title><style>${style}</style></head><body><main>
<header><h1>${escape(title)}</h1><p>${escape(report.at.slice(0, 16).replace("T", " "))} UTC, ${Math.round(report.seconds)} s on ${escape(report.backend)}, seed ${report.seed}</p></header>
${verdict(report)}${facts(report)}${gateTable(report)}
<div class="grid2">${comparison(report)}${report.attacks.map(curve).join("")}</div>
<div class="grid2">${report.attacks.map((attack) => attackCard(attack, report)).join("")}${report.attacks.map(masking).join("")}</div>
${neighbours(pictures.neighbours)}${attacked(pictures)}${captured(report)}
<div class="grid2">${index(report)}${targets(report)}${geometry(report)}${proof(report)}</div>
${footer(report)}</main></body></html>
`;
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function verdict({ gates }: EvaluationReport): string {
  const bad = gates.filter(({ verdict }) => verdict === "Fail");
  const unknown = gates.filter(({ verdict }) => verdict === "NoData");
  const claims = gates.filter(({ test, verdict }) => test === "Superiority" && verdict === "Pass");
  const names = (list: typeof gates): string => list.map(({ name }) => escape(name)).join(", ");
  const say = (tone: string, head: string, text: string): string =>
    `<div class="verdict ${tone}"><div><strong>${head}</strong><span>${text}</span></div></div>`;
  if (bad.length > 0) return say("Fail", "Not to be promoted", `Stopped by ${names(bad)}.`);
  if (unknown.length > 0)
    return say("NoData", "Not proven", `Not enough data for ${names(unknown)}. Unknown is never a pass.`);
  if (claims.length === 0)
    return say("Warn", "No worse, not proven better", "All no-loss gates pass; no gate claims a gain.");
  return say(
    "Pass",
    "Proven better, and no worse elsewhere",
    `Better on ${names(claims)}; all ${gates.length} gates pass.`,
  );
}

function facts({ accuracy, index, data, shift }: EvaluationReport): string {
  const live = shift
    ? `<div class="fact"><small>live shift in the slice</small><b>${percent(shift.explained, 0)}</b><em>${shift.effect.toFixed(2)} standard deviations, ${shift.residual.toFixed(2)} unexplained</em></div>`
    : "";
  const card = (name: string, value: { candidate: number | null; active: number | null }): string =>
    value.candidate === null
      ? ""
      : `<div class="fact"><small>${name}</small><b>${percent(value.candidate, 1)}</b><em>active ${value.active === null ? "–" : percent(value.active, 1)}</em></div>`;
  return `<div class="facts">${card("old domain", accuracy.clean)}${card("new domain", accuracy.shifted)}${card("under attack", accuracy.robust)}${card("recall, old index", index.oldIndexRecall)}<div class="fact"><small>shared with training</small><b>${data.overlap ?? "–"}</b><em>${data.nearDuplicates} queries seen before, left out</em></div>${live}</div>`;
}

function gateTable({ gates, alpha }: EvaluationReport): string {
  const rows = gates
    .map(
      (gate) => `<tr><td><b>${escape(gate.name)}</b><small>${escape(gate.metric)}, ${escape(gate.test)}</small></td>
<td><span class="chip ${gate.verdict}">${gate.verdict}</span></td>
<td class="num" data-k="value">${gate.value === null ? "–" : short(gate.value)}</td>
<td class="num" data-k="bound">${gate.bound === null ? "–" : short(gate.bound)}</td><td>${boundMark(gate.bound, gate.limit, gate.verdict === "Pass" || gate.verdict === "Warn")}</td>
<td class="num" data-k="p">${gate.p === null ? "–" : short(gate.p)}</td><td class="num" data-k="n">${gate.n} / ${gate.needed}</td>
<td class="wide"><small>${escape(gate.message)}</small>${gate.note ? `<small>${escape(gate.note)}</small>` : ""}</td></tr>`,
    )
    .join("");
  return `<section class="card"><h2>Gates</h2><p>No-loss gates are non-inferiority tests against the active and the approved model, each at level ${short(alpha)}; gains are superiority tests with Holm's correction. n counts sources, beside it how many are needed.</p>
<table class="gates"><thead><tr><th>gate</th><th>verdict</th><th class="num">value</th><th class="num">bound</th><th>bound against limit</th><th class="num">p</th><th class="num">n / needed</th><th>why</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

const key = `<div class="key"><span><i style="background:var(--before)"></i>active</span><span><i style="background:var(--after)"></i>candidate</span></div>`;

function comparison({ accuracy, index }: EvaluationReport): string {
  const bars = [
    { name: "Old domain", ...accuracy.clean },
    { name: "New domain", ...accuracy.shifted },
    { name: "Under attack", ...accuracy.robust },
    { name: "Recall, old index", ...index.oldIndexRecall },
  ];
  return `<section class="card"><h2>Before and after</h2><p>Each model answers from the index that it serves from; the candidate from today's.</p>${key}${beforeAfterChart(bars)}</section>`;
}

type AttackReport = EvaluationReport["attacks"][number];

function curve(attack: AttackReport): string {
  const series = [
    { name: "active", color: "--before", points: attack.curve.active },
    { name: "candidate", color: "--after", points: attack.curve.candidate },
  ];
  return `<section class="card"><h2>Accuracy against ${escape(attack.family)} attacks</h2><p>APGD on the prototype logits, crafted anew against each model, to twice the budget.</p>${epsilonChart(series, attack.epsilon)}</section>`;
}

function attackCard(attack: AttackReport, { accuracy }: EvaluationReport): string {
  return `<section class="card"><h2>What each attack still breaks</h2><p>Candidate under ${escape(attack.perturbation)}, ε ${short(attack.epsilon)}, ${attack.steps} steps. Each input counts as its worst case. Attacks made for the active model leave ${percent(attack.transfer, 1)}.</p>${attackChart(attack.candidate, accuracy.clean.candidate ?? 1)}</section>`;
}

function masking(attack: AttackReport): string {
  const rows = attack.masking
    .map(
      (check) =>
        `<tr><td>${escape(check.expectation)}</td><td class="num">${percent(check.weaker)} ≥ ${percent(check.stronger)}</td><td><span class="chip ${check.verdict}">${check.verdict}</span></td></tr>`,
    )
    .join("");
  return `<section class="card"><h2>Is it robust, or only hard to search?</h2><p>Signs of gradient masking: an attack that should be stronger must leave no more.</p><table><tbody>${rows}</tbody></table></section>`;
}

function figure({ uri, label }: Picture, tone = ""): string {
  return `<figure><img src="${uri}" alt="${escape(label)}"><span class="${tone}">${escape(label)}</span></figure>`;
}

/** By reference: a page that is kept shall not keep what clients sent. */
function captured({ captured: samples = [] }: EvaluationReport): string {
  if (samples.length === 0) return "";
  const items = samples
    .map(({ segment, row }) => `<li><span class="mono">${escape(segment)}</span> row ${row}</li>`)
    .join("");
  return `<section class="card"><h2>Captured samples least like the labelled slice</h2><p>Label such as these when the slice does not show what came. As long as their TTL lasts, evenkeel report --store FOLDER --captured FOLDER writes them out.</p><ol>${items}</ol></section>`;
}

function neighbours(examples: readonly NeighbourExample[]): string {
  if (examples.length === 0) return "";
  const row = (name: string, pictures: readonly Picture[], right: boolean, own: string): string =>
    `<div class="row"><span class="${right ? "right" : "wrong"}">${name}</span>${pictures.map((picture) => figure(picture, picture.label === own ? "right" : "wrong")).join("")}</div>`;
  const body = examples
    .map(
      ({ query, active, candidate, activeRight, candidateRight }) =>
        `<div class="pair"><div class="query">${figure(query)}</div>${row("active", active, activeRight, query.label)}${row("candidate", candidate, candidateRight, query.label)}</div>`,
    )
    .join("");
  return `<section class="card"><h2>Neighbours on today's index</h2><p>Queries that change sides: first what is gained, then what is lost. Numbers are labels.</p><div class="grid2" style="column-gap:32px;row-gap:0">${body}</div></section>`;
}

function attacked({ attacks }: Pictures): string {
  if (attacks.length === 0) return "";
  const body = attacks
    .map(
      ({ clean, perturbed, change, takenFor }) =>
        `<div class="triple">${figure(clean)}${figure(change)}${figure({ ...perturbed, label: `taken for ${takenFor}` }, "wrong")}</div>`,
    )
    .join("");
  return `<section class="card"><h2>Attacks that the candidate withstands</h2><p>Input, change (magnified), and the result that the active model takes for something else. The candidate was right on these under every attack made for it.</p><div class="triples">${body}</div></section>`;
}

function plainTable(
  title: string,
  text: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const head = heads.map((name, i) => `<th${i ? ' class="num"' : ""}>${name}</th>`).join("");
  const body = rows
    .map((cells) => `<tr>${cells.map((cell, i) => `<td${i ? ' class="num"' : ""}>${cell}</td>`).join("")}</tr>`)
    .join("");
  return `<section class="card"><h2>${title}</h2><p>${text}</p><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></section>`;
}

const share = (value: number | null): string => (value === null ? "–" : percent(value, 1));
const plain = (value: number | null): string => (value === null ? "–" : short(value));

type OfEach = EvaluationReport["accuracy"]["clean"];
const cells = ({ active, baseline, candidate }: OfEach, show: (value: number | null) => string): string[] =>
  [active, baseline, candidate].map(show);
const heads = ["", "active", "approved", "candidate"];

function index({ index }: EvaluationReport): string {
  return plainTable("Working with today's index", "Capped recall of ten neighbours.", heads, [
    ["New queries, old documents", ...cells(index.oldIndexRecall, share)],
    ["Old queries, new documents", ...cells(index.newDocumentRecall, share)],
    ["New queries, mixed index", ...cells(index.mixedIndexRecall, share)],
    ["Neighbours shared", "–", "–", share(index.overlap)],
    ["Answers lost (negative flips)", "–", "–", share(index.negativeFlips)],
    ["McNemar's p", "–", "–", plain(index.mcnemar)],
  ]);
}

function targets({ targets }: EvaluationReport): string {
  if (targets.length === 0) return "";
  const rows = targets.map(({ perturbation, metric, atLeast, value, bound, met }) => [
    `${escape(perturbation)}<small>${escape(metric)}</small>`,
    share(value),
    share(bound),
    percent(atLeast, 1),
    `<span class="chip ${met ? "Pass" : "Fail"}">${met ? "met" : "not met"}</span>`,
  ]);
  return plainTable(
    "Resilience targets",
    "A target is met when its confidence bound is.",
    ["target", "value", "bound", "at least", ""],
    rows,
  );
}

function geometry({ geometry }: EvaluationReport): string {
  const row = (name: string, of: (each: EvaluationReport["geometry"]["active"]) => number | null): string[] => [
    name,
    plain(of(geometry.active)),
    plain(of(geometry.baseline)),
    plain(of(geometry.candidate)),
  ];
  return plainTable("Shape of the space", "Diagnostics, not gates.", heads, [
    row("Alignment, low is good", ({ alignment }) => alignment),
    row("Uniformity, low is good", ({ uniformity }) => uniformity),
    row("Effective rank", ({ effectiveRank }) => effectiveRank),
    row("Silhouette of labels", ({ silhouette }) => silhouette),
    row("Local Lipschitz", ({ localLipschitz }) => localLipschitz),
  ]);
}

function proof({ proof, data }: EvaluationReport): string {
  return plainTable(
    "On untouched data",
    `${data.proof.old} and ${data.proof.shifted} queries that no gate has seen.`,
    heads,
    [
      ["Old domain", ...cells(proof.clean, share)],
      ["New domain", ...cells(proof.shifted, share)],
      ["Recall, old index", ...cells(proof.oldIndexRecall, share)],
    ],
  );
}

function footer({ models, data }: EvaluationReport): string {
  const line = (name: string, value: string): string => `<div>${name} <span class="mono">${escape(value)}</span></div>`;
  return `<footer>${line("candidate", models.candidate)}${line("active", models.active)}${line("approved", models.baseline)}<div>${escape(models.architecture)}, ${models.dimension} dimensions; ${escape(data.source)}: ${data.documents} documents, ${data.gate.old} + ${data.gate.shifted} gate queries, ${data.gate.attacked} attacked</div></footer>`;
}
