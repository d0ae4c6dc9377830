import { chartWidth, lineChart } from "../chart.js";
import { h, section } from "../dom.js";
import { ago, number, shortDigest, span } from "../format.js";
import { empty, panel, pill, table, weightBar } from "../parts.js";

const ranges = ["15m", "1h", "6h", "24h", "7d"];

/**
 * One service: why it is as it is, its signals over time, runs with gates, rollouts, versions, audit.
 *
 * @param {object} state
 * @param {import("../../payload.ts").ServiceDetail} state.detail
 * @param {(import("../../charts.ts").Charts & { source: string }) | null} state.charts
 * @param {import("../../payload.ts").AuditView | { error: string } | null} state.audit
 * @param {string} state.range
 * @param {(range: string) => void} state.choose
 * @returns {HTMLElement[]}
 */
export function serviceView({ detail, charts, audit, range, choose }) {
  const { runs, rollouts, versions, signals, conditions, ...head } = detail;
  const width = chartWidth();
  return [
    section("head", head, headView),
    section("signals", signals, signalsView),
    section("charts", { charts, range, width }, () => chartsView(charts, range, choose)),
    section("rollouts", { rollouts, width }, () => rolloutsView(rollouts)),
    section("runs", runs, runsView),
    section("versions", versions, versionsView),
    section("conditions", conditions, conditionsView),
    section("audit", audit, auditView),
  ];
}

/** @param {Pick<import("../../payload.ts").ServiceDetail, "name" | "namespace" | "phase" | "notice" | "model" | "protection" | "workload" | "protocol">} service */
function headView({ name, namespace, phase, notice, model, protection, workload, protocol }) {
  return h(
    "div",
    { class: "title" },
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Services"), ` / ${namespace}`),
    h("h1", {}, name, " ", pill(phase)),
    h(
      "p",
      { class: "dim" },
      `${workload}, ${protocol}. `,
      model ? `Serves ${model.name}` : "No model is active yet",
      model?.since ? `, activated ${ago(model.since)}.` : ".",
    ),
    protection &&
      h(
        "p",
        { class: "notice warn" },
        h("strong", {}, `Protection is on: ${protection.mode}.`),
        ` Set off by ${protection.trigger} ${ago(protection.since)}.`,
      ),
    notice &&
      h("p", { class: `notice ${notice.tone}` }, h("strong", {}, notice.title), notice.text ? ` ${notice.text}` : ""),
  );
}

/** @param {readonly import("../../payload.ts").SignalView[]} signals */
function signalsView(signals) {
  const rows = signals.map(({ name, source, then, verdict, value, threshold, since, message }) => [
    h("strong", {}, name),
    pill(verdict),
    number(value),
    number(threshold),
    ago(since),
    then,
    h("code", {}, source),
    message,
  ]);
  const head = ["trigger", "verdict", "value", "threshold", "since", "then", "source", "message"];
  return panel(
    "Signals",
    null,
    rows.length > 0 ? table("Signals", head, rows) : empty("No triggers: nothing is acted on."),
  );
}

/**
 * @param {(import("../../charts.ts").Charts & { source: string }) | null} charts
 * @param {string} range
 * @param {(range: string) => void} choose
 */
function chartsView(charts, range, choose) {
  const buttons = h(
    "div",
    { class: "ranges", role: "group", "aria-label": "Range of time" },
    ...ranges.map((each) =>
      h(
        "button",
        {
          type: "button",
          id: `range-${each}`,
          "aria-pressed": each === range ? "true" : "false",
          onclick: () => choose(each),
        },
        each,
      ),
    ),
  );
  if (!charts) return panel("Over time", buttons, empty("asking Prometheus …"));
  if (charts.fault !== null) {
    const advice = "Start the dashboard with --prometheus URL when this name is only known in the cluster.";
    return panel(
      "Over time",
      buttons,
      h("p", { class: "notice bad" }, h("strong", {}, `Nothing from ${charts.source}: `), `${charts.fault}. ${advice}`),
    );
  }
  const { from, to } = charts;
  const filled = charts.charts.filter(({ lines }) => lines.some(({ points }) => points.length > 0));
  const drawn = filled.map((chart) =>
    lineChart(chart, from, to, chart.id === "weight" ? { steps: true, max: 100 } : {}),
  );
  const without = charts.charts.filter((chart) => !filled.includes(chart)).map(({ title }) => title);
  return panel(
    "Over time",
    buttons,
    h("div", { class: "charts" }, ...drawn),
    filled.length === 0 &&
      empty(`${charts.source} has nothing of this service in this range: does it scrape the gateways?`),
    filled.length > 0 && without.length > 0 && empty(`No data in this range: ${without.join(", ")}.`),
  );
}

/** @param {readonly import("../../payload.ts").RolloutView[]} rollouts */
function rolloutsView(rollouts) {
  if (rollouts.length === 0) return panel("Rollouts", null, empty("No rollout yet."));
  return panel("Rollouts", null, ...rollouts.map(rolloutView));
}

/**
 * @param {import("../../payload.ts").RolloutView} rollout
 * @param {number} index
 */
function rolloutView(
  {
    name,
    from,
    to,
    phase,
    paused,
    cause,
    step,
    steps,
    weight,
    startedAt,
    finishedAt,
    reason,
    message,
    weights,
    analysis,
  },
  index,
) {
  const end = finishedAt ? Date.parse(finishedAt) : Date.now();
  const begin = Date.parse(startedAt ?? weights[0]?.at ?? new Date(end - 1).toISOString());
  /** @type {[number, number][]} */
  const points = weights.map((each) => [Date.parse(each.at), each.weight]);
  const now = points.at(-1)?.[1];
  if (now !== undefined) points.push([end, now]);
  const checks = analysis.map((check) => [
    h("strong", {}, check.name),
    pill(check.verdict),
    number(check.value),
    number(check.limit),
    number(check.samples),
    check.message,
  ]);
  return h(
    "details",
    { id: `rollout-${name}`, open: index === 0 },
    h(
      "summary",
      {},
      pill(phase),
      " ",
      h("strong", {}, name),
      paused ? " (paused)" : "",
      " ",
      weightBar(weight),
      h("span", { class: "dim" }, ` ${ago(startedAt)}`),
    ),
    h(
      "p",
      {},
      `${from} → ${to}. ${cause}.`,
      steps > 0 ? ` Step ${Math.min(step + 1, steps)} of ${steps}.` : "",
      reason ? ` ${reason}${message ? `: ${message}` : ""}` : "",
    ),
    points.length > 0 &&
      lineChart(
        {
          id: `weights-${name}`,
          title: "Weight over time",
          help: weights.map((each) => `${each.mirror ? "mirror" : `${each.weight}%`}: ${each.why}`).join(" · "),
          unit: "%",
          lines: [{ name: "weight", dashed: false, points }],
        },
        Math.min(begin, points[0]?.[0] ?? begin),
        Math.max(end, begin + 1),
        { steps: true, max: 100 },
      ),
    checks.length > 0 && table("Analysis", ["check", "verdict", "value", "limit", "samples", "message"], checks),
  );
}

/** @param {readonly import("../../payload.ts").RunView[]} runs */
function runsView(runs) {
  if (runs.length === 0) return panel("Runs", null, empty("No run yet."));
  return panel("Runs", null, ...runs.map(runView));
}

/**
 * @param {import("../../payload.ts").RunView} run
 * @param {number} index
 */
function runView(
  {
    name,
    phase,
    cause,
    trigger,
    madeAt,
    reason,
    message,
    waiting,
    needsApproval,
    version,
    report,
    reportPath,
    gpuSeconds,
    gates,
  },
  index,
) {
  const rows = gates.map((gate) => [
    h("strong", {}, gate.name),
    pill(gate.verdict),
    gate.metric,
    gate.test,
    number(gate.value),
    number(gate.bound),
    number(gate.p),
    `${gate.n}${gate.needed > 0 ? ` (needs ${gate.needed})` : ""}`,
    gate.message,
  ]);
  return h(
    "details",
    { id: `run-${name}`, open: index === 0 },
    h(
      "summary",
      {},
      pill(phase),
      " ",
      h("strong", {}, name),
      ` ${cause} (${trigger})`,
      h("span", { class: "dim" }, ` ${ago(madeAt)}`),
    ),
    h(
      "p",
      {},
      reason ? `${reason}${message ? `: ${message}` : ""}. ` : "",
      version ? `Made ${version}. ` : "",
      gpuSeconds > 0 ? `${span(gpuSeconds * 1000)} of GPU time.` : "",
    ),
    waiting ? h("p", { class: "notice warn" }, waiting) : null,
    needsApproval ? h("p", { class: "notice warn" }, h("strong", {}, "Needs approval: "), needsApproval) : null,
    rows.length > 0 &&
      table("Gates", ["gate", "verdict", "metric", "test", "value", "bound", "p", "samples", "message"], rows),
    report
      ? h("p", { class: "dim" }, "Report: ", h("a", { href: reportPath }, "as JSON"), " ", h("code", {}, report))
      : null,
  );
}

/** @param {readonly import("../../payload.ts").VersionView[]} versions */
function versionsView(versions) {
  if (versions.length === 0) return panel("Versions", null, empty("No version yet."));
  const rows = versions.map(({ name, phase, digest, madeAt, run, active, baseline }) => [
    h("strong", {}, name),
    pill(phase),
    [active ? "active" : "", baseline ? "baseline" : ""].filter(Boolean).join(", "),
    h("code", { class: "digest", title: digest }, shortDigest(digest)),
    run || "adopted",
    ago(madeAt),
  ]);
  return panel("Versions", null, table("Versions", ["version", "phase", "is", "digest", "made by", "made"], rows));
}

/** @param {import("../../payload.ts").ServiceDetail["conditions"]} conditions */
function conditionsView(conditions) {
  if (conditions.length === 0) return panel("Conditions", null, empty("None yet: is the operator running?"));
  const rows = conditions.map(({ type, status, reason, message, lastTransitionTime }) => [
    h("strong", {}, type),
    // Stalled is the one condition that is bad when it holds.
    pill(type === "Stalled" ? (status === "True" ? "Stalled" : "Steady") : status, status),
    reason,
    message,
    ago(lastTransitionTime),
  ]);
  return panel("Conditions", null, table("Conditions", ["condition", "status", "reason", "message", "since"], rows));
}

/** @param {import("../../payload.ts").AuditView | { error: string } | null} audit */
function auditView(audit) {
  if (!audit) return panel("Audit", null, empty("reading …"));
  if ("error" in audit) return panel("Audit", pill("Broken", "unreadable"), empty(audit.error));
  const { verification, total, entries } = audit;
  const whole = verification.kind === "Whole";
  const said = whole
    ? pill("Whole", `whole, ${total} entries`)
    : pill("Broken", `broken at entry ${verification.seq}: ${verification.reason}`);
  if (entries.length === 0) return panel("Audit", said, empty("No decision yet."));
  const rows = entries.map(({ seq, at, kind, subject, detail, hash }) => [
    String(seq),
    h("time", { datetime: at, title: at }, ago(at)),
    h("strong", {}, kind),
    subject,
    h("code", {}, detail),
    h("code", { class: "digest", title: hash }, shortDigest(hash)),
  ]);
  return panel(
    "Audit",
    said,
    table("Audit entries, newest first", ["entry", "when", "decision", "about", "facts", "hash"], rows),
  );
}
