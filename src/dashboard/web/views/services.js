import { h, section } from "../dom.js";
import { ago, number } from "../format.js";
import { empty, pill, weightBar } from "../parts.js";

/**
 * All services, a card each.
 *
 * @param {readonly import("../../payload.ts").ServiceCard[]} services
 * @returns {HTMLElement[]}
 */
export function servicesView(services) {
  const head = section("services-head", services.length, (count) =>
    h("div", { class: "title" }, h("h1", {}, "Services"), h("p", {}, count === 1 ? "1 service" : `${count} services`)),
  );
  if (services.length === 0)
    return [
      head,
      section("services-none", 0, () =>
        empty("No EmbeddingService here yet: docs/guides/first-service.md leads to one. -A shows all namespaces."),
      ),
    ];
  const cards = section("services", services, (list) => h("div", { class: "cards" }, ...list.map(card)));
  return [head, cards];
}

/** @param {import("../../payload.ts").ServiceCard} service */
function card({ namespace, name, phase, notice, model, signals, rollout, run, protection }) {
  return h(
    "a",
    { class: "card", href: `#/${namespace}/${name}`, id: `card-${namespace}-${name}` },
    h("div", { class: "card-head" }, h("h2", {}, name), h("span", { class: "dim" }, namespace), pill(phase)),
    h(
      "p",
      { class: "model" },
      model ? `${model.name}${model.since ? `, activated ${ago(model.since)}` : ""}` : "no model is active yet",
    ),
    h(
      "ul",
      { class: "signals" },
      ...signals.map(({ name: signal, verdict, value, threshold }) =>
        h(
          "li",
          {},
          pill(verdict),
          h("span", {}, signal),
          h(
            "span",
            { class: "dim" },
            value === null ? "" : `${number(value)}${threshold === null ? "" : ` of ${number(threshold)}`}`,
          ),
        ),
      ),
    ),
    protection &&
      h("p", { class: "notice warn" }, `Protection is on (${protection.mode}), set off by ${protection.trigger}`),
    rollout && h("p", {}, pill(rollout.phase), " rollout ", weightBar(rollout.weight)),
    run && !rollout && h("p", {}, pill(run.phase), ` run ${run.name}`),
    notice &&
      h("p", { class: `notice ${notice.tone}` }, h("strong", {}, notice.title), notice.text ? ` ${notice.text}` : ""),
  );
}
