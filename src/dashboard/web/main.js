import { byId, h, place, section } from "./dom.js";
import { clock } from "./format.js";
import { empty } from "./parts.js";
import { serviceView } from "./views/service.js";
import { servicesView } from "./views/services.js";

const content = byId("content");
const connection = byId("connection");

/** Charts move on although no object changes. */
const chartsEvery = 5000;
let range = "1h";
/** Each drawing has a number: an answer that comes after a newer one was asked for is dropped. */
let asked = 0;
/** @type {({ path: string } & Pick<Parameters<typeof serviceView>[0], "detail" | "charts" | "audit">) | null} */
let shown = null;

/** @param {string} path */
async function read(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json();
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

/** The address as `namespace/name`, or "" for all services. */
const where = () => decodeURIComponent(location.hash.replace(/^#\/?/, ""));

async function draw() {
  asked += 1;
  const turn = asked;
  const path = where();
  try {
    if (path === "" || !path.includes("/")) {
      const { synced, services } = await read("/api/services");
      if (turn !== asked) return;
      shown = null;
      document.title = "evenkeel";
      place(content, synced ? servicesView(services) : [section("waiting", 0, () => empty("reading the cluster …"))]);
      return;
    }
    const detail = await read(`/api/services/${path}`);
    if (turn !== asked) return;
    if (!detail) {
      shown = null;
      place(content, [
        section("none", path, () =>
          h(
            "div",
            { class: "title" },
            h("h1", {}, path),
            empty("There is no such service."),
            h("a", { href: "#/" }, "All services"),
          ),
        ),
      ]);
      return;
    }
    document.title = `${detail.name} · evenkeel`;
    shown = {
      path,
      detail,
      charts: shown?.path === path ? shown.charts : null,
      audit: shown?.path === path ? shown.audit : null,
    };
    show();
    await Promise.all([drawCharts(), drawAudit()]);
  } catch (error) {
    say("lost", error instanceof Error ? error.message : String(error));
  }
}

function show() {
  if (!shown) return;
  const { detail, charts, audit } = shown;
  place(content, serviceView({ detail, charts, audit, range, choose }));
}

async function drawCharts() {
  const view = shown;
  const wanted = range;
  if (!view) return;
  const charts = await read(`/api/services/${view.path}/charts?range=${wanted}`);
  if (shown !== view || range !== wanted) return;
  view.charts = charts;
  show();
}

async function drawAudit() {
  const view = shown;
  if (!view) return;
  const audit = await read(`/api/services/${view.path}/audit`).catch((error) => ({ error: String(error.message) }));
  if (shown !== view) return;
  view.audit = audit;
  show();
}

/** @param {string} chosen */
function choose(chosen) {
  range = chosen;
  if (shown) shown.charts = null;
  show();
  void drawCharts().catch((error) => say("lost", String(error.message)));
}

/** @param {import("../reachability.ts").Outage | null} outage */
function sayOutage(outage) {
  const notice = byId("outage");
  notice.hidden = outage === null;
  if (outage) say("lost", outage.message, "cluster lost");
  else say("live");
  notice.textContent = outage
    ? `The cluster has not answered since ${clock(Date.parse(outage.since), 0)}; this is what was known then. ${outage.message}`
    : "";
}

/**
 * @param {"live" | "lost"} state
 * @param {string} [why]
 * @param {string} [what]
 */
function say(state, why = "", what = "connection lost") {
  connection.className = `connection ${state}`;
  connection.textContent = state === "live" ? "live" : what;
  connection.title = why;
}

function listen() {
  const changes = new EventSource("/api/changes");
  changes.addEventListener("open", () => {
    // Whether it is live says the first event of each connection.
    void draw();
  });
  changes.addEventListener("changed", () => void draw());
  changes.addEventListener("cluster", ({ data }) => sayOutage(JSON.parse(data)));
  changes.addEventListener("error", () => say("lost", "the dashboard does not answer; trying again"));
}

function theme() {
  const button = byId("theme");
  const root = document.documentElement;
  const saved = localStorage.getItem("theme");
  if (saved) root.dataset.theme = saved;
  button.addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
}

theme();
listen();
addEventListener("hashchange", () => {
  void draw();
  content.focus({ preventScroll: true });
  scrollTo(0, 0);
});
addEventListener("resize", show);
setInterval(() => {
  if (shown && !document.hidden) void drawCharts().catch((error) => say("lost", String(error.message)));
}, chartsEvery);
