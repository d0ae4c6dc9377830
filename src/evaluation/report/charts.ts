import type { CurvePoint } from "../attacks/index.ts";

/** Charts as inline SVG. Colours are the page's CSS variables, so that they follow light and dark. */

type Series = { readonly name: string; readonly color: string; readonly points: readonly CurvePoint[] };

/** Accuracy against the attack's budget; the budget itself is a dashed line. */
export function epsilonChart(series: readonly Series[], epsilon: number): string {
  const [width, height, left, right, top, bottom] = [480, 280, 46, 92, 14, 40];
  const most = Math.max(...series.flatMap(({ points }) => points.map((point) => point.epsilon)), 1e-9);
  const x = (value: number): number => left + (value / most) * (width - left - right);
  const y = (value: number): number => top + (1 - value) * (height - top - bottom);
  const grid = [0, 0.25, 0.5, 0.75, 1]
    .map(
      (value) =>
        `<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" class="grid"/>` +
        `<text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${percent(value)}</text>`,
    )
    .join("");
  const ticks = [0, 0.5, 1, 1.5, 2]
    .map((factor) => factor * epsilon)
    .filter((value) => value <= most + 1e-9)
    .map((value) => `<text x="${x(value)}" y="${height - bottom + 18}" text-anchor="middle">${short(value)}</text>`)
    .join("");
  const ends = spread(series.map(({ points }) => y(points.at(-1)?.accuracy ?? 0)));
  const lines = series
    .map(({ name, color, points }, i) => {
      const path = points.map((point) => `${x(point.epsilon).toFixed(1)},${y(point.accuracy).toFixed(1)}`);
      const dots = path
        .map((at, j) => {
          const [cx, cy] = at.split(",");
          return `<circle cx="${cx}" cy="${cy}" r="3.5" fill="var(${color})"><title>${name}, ε ${short(points[j]?.epsilon ?? 0)}: ${percent(points[j]?.accuracy ?? 0)}</title></circle>`;
        })
        .join("");
      return (
        `<polyline points="${path.join(" ")}" fill="none" stroke="var(${color})" stroke-width="2.5" stroke-linejoin="round"/>${dots}` +
        `<text x="${width - right + 10}" y="${(ends[i] ?? 0) + 4}" class="name" style="fill:var(${color})">${name}</text>`
      );
    })
    .join("");
  return svg(
    width,
    height,
    `Accuracy of each model against the size of the attack`,
    `${grid}${ticks}<line x1="${x(epsilon)}" x2="${x(epsilon)}" y1="${top}" y2="${height - bottom}" class="mark"/>` +
      `<text x="${x(epsilon) + 6}" y="${top + 10}" class="hint">the threat model's budget</text>` +
      `<text x="${(left + width - right) / 2}" y="${height - 4}" text-anchor="middle" class="hint">ε of the attack</text>${lines}`,
  );
}

type Bar = { readonly name: string; readonly active: number | null; readonly candidate: number | null };

/** Shares before and after, one pair of bars each. */
export function beforeAfterChart(bars: readonly Bar[]): string {
  const [width, row, left, right] = [480, 56, 140, 56];
  const height = bars.length * row + 8;
  const x = (value: number): number => value * (width - left - right);
  const body = bars
    .map(({ name, active, candidate }, i) => {
      const y = i * row + 8;
      const bar = (value: number | null, offset: number, color: string): string =>
        value === null
          ? `<text x="${left}" y="${y + offset + 13}" class="hint">not measured</text>`
          : `<rect x="${left}" y="${y + offset}" width="${Math.max(2, x(value)).toFixed(1)}" height="17" rx="4" fill="var(${color})"/>` +
            `<text x="${(left + x(value) + 8).toFixed(1)}" y="${y + offset + 13}" class="value">${percent(value, 1)}</text>`;
      return (
        `<text x="${left - 14}" y="${y + 25}" text-anchor="end" class="label">${name}</text>` +
        bar(active, 0, "--before") +
        bar(candidate, 21, "--after")
      );
    })
    .join("");
  return svg(width, height, "Shares of the active model and the candidate", body);
}

/** What is left of the accuracy after each attack in turn, as steps. */
export function attackChart(
  steps: readonly { readonly attack: string; readonly accuracy: number }[],
  clean: number,
): string {
  const [width, row, left, right] = [480, 34, 168, 56];
  const all = [{ attack: "no attack", accuracy: clean }, ...steps];
  const x = (value: number): number => value * (width - left - right);
  const body = all
    .map(({ attack, accuracy }, i) => {
      const y = i * row + 4;
      const before = all[i - 1]?.accuracy ?? accuracy;
      return (
        `<text x="${left - 14}" y="${y + 16}" text-anchor="end" class="label">${i === 0 ? attack : `after ${attack}`}</text>` +
        `<rect x="${left}" y="${y}" width="${Math.max(2, x(accuracy)).toFixed(1)}" height="22" rx="4" fill="var(--after)"/>` +
        `<rect x="${(left + x(accuracy)).toFixed(1)}" y="${y}" width="${Math.max(0, x(before - accuracy)).toFixed(1)}" height="22" fill="var(--fail)" opacity=".35"/>` +
        `<text x="${(left + x(Math.max(before, accuracy)) + 8).toFixed(1)}" y="${y + 16}" class="value">${percent(accuracy, 1)}</text>`
      );
    })
    .join("");
  return svg(width, all.length * row + 4, "Accuracy that is left after each attack", body);
}

/** Where a gate's confidence bound lies against its limit: a small number line. */
export function boundMark(bound: number | null, limit: number | null, passes: boolean): string {
  if (bound === null || limit === null) return "";
  const reach = Math.max(Math.abs(bound - limit), Math.abs(limit) * 0.5, 0.01) * 1.25;
  const at = 60 + ((bound - limit) / reach) * 52;
  return (
    `<svg viewBox="0 0 120 20" width="120" height="20" role="img" aria-label="bound ${short(bound)}, limit ${short(limit)}">` +
    `<line x1="4" x2="116" y1="10" y2="10" class="grid"/><line x1="60" x2="60" y1="2" y2="18" class="mark"/>` +
    `<circle cx="${at.toFixed(1)}" cy="10" r="5" fill="var(${passes ? "--pass" : "--fail"})"/></svg>`
  );
}

export function percent(value: number, digits = 0): string {
  return `${(100 * value).toFixed(digits)}%`;
}

export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Labels that would lie over one another are moved apart. */
function spread(places: readonly number[]): number[] {
  const [first = 0, second] = places;
  if (second === undefined || Math.abs(first - second) >= 16) return [...places];
  const middle = (first + second) / 2;
  return first <= second ? [middle - 8, middle + 8] : [middle + 8, middle - 8];
}

function svg(width: number, height: number, title: string, body: string): string {
  return `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${body}</svg>`;
}
