import { h } from "./dom.js";

/** Tone and sign of each word: what is told by colour is told by shape and by the word too. */
const tones = /** @type {Record<string, "good" | "bad" | "warn" | "calm" | "busy">} */ ({
  Steady: "good",
  Active: "good",
  Published: "good",
  Promoted: "good",
  Watching: "good",
  Pass: "good",
  True: "good",
  Whole: "good",
  Stalled: "bad",
  Failed: "bad",
  Fail: "bad",
  Rejected: "bad",
  RolledBack: "bad",
  RollingBack: "bad",
  SourceError: "bad",
  Broken: "bad",
  False: "bad",
  Protecting: "warn",
  Paused: "warn",
  Warn: "warn",
  NoData: "warn",
  Unknown: "warn",
  Cancelled: "warn",
  Retraining: "busy",
  RollingOut: "busy",
  Training: "busy",
  Evaluating: "busy",
  Gating: "busy",
  Progressing: "busy",
  Promoting: "busy",
  Canary: "busy",
  Shadow: "busy",
});
const signs = { good: "✓", bad: "✕", warn: "!", busy: "↻", calm: "·" };

/**
 * @param {string} word
 * @param {string} [text]
 */
export function pill(word, text = word) {
  const tone = tones[word] ?? "calm";
  return h("span", { class: `pill ${tone}` }, h("span", { "aria-hidden": "true" }, signs[tone]), ` ${text}`);
}

/**
 * A table that turns into cards where the window is narrow.
 *
 * @param {string} caption
 * @param {string[]} head
 * @param {import("./dom.js").Child[][]} rows
 */
export function table(caption, head, rows) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
      h(
        "tbody",
        {},
        ...rows.map((row) =>
          h("tr", {}, ...row.map((cell, index) => h("td", { "data-head": head[index] ?? "" }, cell))),
        ),
      ),
    ),
  );
}

/** @param {number} percent */
export function weightBar(percent) {
  const bar = h("progress", { max: 100, value: percent, "aria-label": `weight ${percent} percent` });
  return h("span", { class: "weight" }, bar, ` ${percent}%`);
}

/**
 * @param {string} title
 * @param {import("./dom.js").Child} aside
 * @param {...import("./dom.js").Child} children
 */
export function panel(title, aside, ...children) {
  const id = `panel-${title.toLowerCase().replaceAll(/\W+/g, "-")}`;
  return h(
    "section",
    { class: "panel", "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), aside),
    ...children,
  );
}

/** @param {string} text */
export const empty = (text) => h("p", { class: "empty" }, text);
