import { h, svg } from "./dom.js";
import { clock, measure } from "./format.js";

const widest = 640;
const height = 180;
const margin = { left: 46, right: 10, top: 10, bottom: 22 };

/** As wide as a chart is shown, so that its letters are not scaled down on a phone. */
export function chartWidth() {
  return Math.min(widest, Math.max(260, document.documentElement.clientWidth - 50));
}

/**
 * Lines over time, at least one point of them, with a crosshair that follows the pointer and the arrow keys.
 *
 * @param {Pick<import("../charts.ts").Chart, "id" | "title" | "help" | "unit" | "lines">} chart
 * @param {number} from ms
 * @param {number} to ms
 * @param {{ steps?: boolean, max?: number }} [options]
 */
export function lineChart({ id, title, help, unit, lines }, from, to, { steps = false, max } = {}) {
  const width = chartWidth();
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const figure = h("figure", { class: "chart" });
  figure.append(h("figcaption", {}, h("h3", {}, title), h("p", {}, help)));
  const [low, high] = bounds(values, max);
  const x = (/** @type {number} */ at) =>
    margin.left + ((at - from) / (to - from)) * (width - margin.left - margin.right);
  const y = (/** @type {number} */ value) =>
    height - margin.bottom - ((value - low) / (high - low)) * (height - margin.top - margin.bottom);

  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    tabindex: "0",
    id: `chart-${id}`,
    "aria-label": `${title}. ${lines.map((line) => `${line.name}: now ${measure(last(line), unit)}`).join(", ")}. Arrow keys read it.`,
  });
  for (const tick of ticks(low, high)) {
    picture.append(
      svg("line", { x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick), class: "grid" }),
      svg("text", { x: margin.left - 6, y: y(tick) + 4, "text-anchor": "end" }, measure(tick, unit)),
    );
  }
  const marks = width < 480 ? 2 : 4;
  for (let i = 0; i <= marks; i++) {
    const at = from + ((to - from) * i) / marks;
    const anchor = i === 0 ? "start" : i === marks ? "end" : "middle";
    picture.append(svg("text", { x: x(at), y: height - 5, "text-anchor": anchor }, clock(at, to - from)));
  }
  const gap = longestGap(lines, from, to);
  lines.forEach((line, index) => {
    const d = path(line.points, x, y, steps, gap);
    picture.append(svg("path", { d, class: `series series-${line.dashed ? "limit" : index % 5}`, fill: "none" }));
  });
  const hair = svg("line", { y1: margin.top, y2: height - margin.bottom, class: "hair", visibility: "hidden" });
  picture.append(hair);

  const reading = h("output", { class: "reading", for: `chart-${id}` });
  const latest = () => {
    hair.setAttribute("visibility", "hidden");
    reading.replaceChildren(...legend(lines, (line) => last(line), unit));
  };
  let position = to;
  const read = (/** @type {number} */ at) => {
    position = Math.min(to, Math.max(from, at));
    hair.setAttribute("x1", String(x(position)));
    hair.setAttribute("x2", String(x(position)));
    hair.setAttribute("visibility", "visible");
    const when = h("time", {}, clock(position, to - from));
    reading.replaceChildren(...legend(lines, (line) => valueAt(line, position, gap), unit), when);
  };
  picture.addEventListener("pointermove", (event) => {
    if (!(event instanceof PointerEvent)) return;
    const box = picture.getBoundingClientRect();
    const inside = ((event.clientX - box.left) / box.width) * width;
    read(from + ((inside - margin.left) / (width - margin.left - margin.right)) * (to - from));
  });
  picture.addEventListener("pointerleave", latest);
  picture.addEventListener("blur", latest);
  picture.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent)) return;
    const { key } = event;
    const by = (to - from) / 60;
    if (key === "ArrowLeft") read(position - by);
    else if (key === "ArrowRight") read(position + by);
    else if (key === "Home") read(from);
    else if (key === "End") read(to);
    else return;
    event.preventDefault();
  });
  latest();
  figure.append(picture, reading);
  return figure;
}

/** @typedef {import("../charts.ts").Chart["lines"][number]} Line */

/**
 * @param {number[]} values
 * @param {number | undefined} max
 * @returns {[number, number]}
 */
function bounds(values, max) {
  const low = Math.min(0, ...values);
  const high = max ?? Math.max(...values);
  const room = (high - low) * (max === undefined ? 0.06 : 0);
  return high === low ? [low, low + 1] : [low, high + room];
}

/**
 * Round numbers between two values, about four.
 *
 * @param {number} low
 * @param {number} high
 */
function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  const list = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1000; tick += step)
    list.push(Number(tick.toPrecision(12)));
  return list;
}

/**
 * Where points are further apart than this there is no line: no data is not a value.
 *
 * @param {readonly Line[]} lines
 * @param {number} from
 * @param {number} to
 */
function longestGap(lines, from, to) {
  const steps = lines.flatMap(({ points }) => points.slice(1).map(([at], i) => at - (points[i]?.[0] ?? at)));
  return steps.length > 0 ? Math.min(...steps) * 3 : to - from;
}

/**
 * @param {Line["points"]} points
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 * @param {boolean} steps
 * @param {number} gap
 */
function path(points, x, y, steps, gap) {
  let d = "";
  points.forEach(([at, value], i) => {
    const before = points[i - 1];
    const px = x(at).toFixed(1);
    const py = y(value).toFixed(1);
    if (!before || (!steps && at - before[0] > gap)) d += `M${px} ${py}h0`;
    else d += steps ? `H${px}V${py}` : `L${px} ${py}`;
  });
  return d;
}

/** @param {Line} line */
const last = ({ points }) => points.at(-1)?.[1] ?? null;

/**
 * @param {Line} line
 * @param {number} at
 * @param {number} gap
 */
function valueAt({ points }, at, gap) {
  const before = points.findLast(([time]) => time <= at);
  return before && at - before[0] <= gap ? before[1] : null;
}

/**
 * @param {readonly Line[]} lines
 * @param {(line: Line) => number | null} value
 * @param {string} unit
 */
function legend(lines, value, unit) {
  return lines.map((line, index) =>
    h(
      "span",
      { class: "key" },
      h("span", { class: `swatch series-${line.dashed ? "limit" : index % 5}`, "aria-hidden": "true" }),
      `${line.name} `,
      h("strong", {}, measure(value(line), unit)),
    ),
  );
}
