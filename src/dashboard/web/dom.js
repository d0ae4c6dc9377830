/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Text is text: nothing that comes from the cluster is ever parsed as HTML.
 *
 * @param {string} tag
 * @param {Record<string, string | number | boolean | EventListener | null | undefined>} [attributes]  `on…` are listeners
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/**
 * The same for SVG.
 *
 * @param {string} tag
 * @param {Record<string, string | number | boolean | EventListener | null | undefined>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(element, attributes, children);
  return element;
}

/**
 * @param {Element} element
 * @param {Record<string, string | number | boolean | EventListener | null | undefined>} attributes
 * @param {(Child | Child[])[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** @type {Map<string, { data: string, node: HTMLElement }>} */
const kept = new Map();

/**
 * A part of the page that is made anew only when its data changed, so that focus, open details and text that is being
 * read stay as they are.
 *
 * @template T
 * @param {string} key
 * @param {T} data
 * @param {(data: T) => HTMLElement} make
 * @returns {HTMLElement}
 */
export function section(key, data, make) {
  const text = JSON.stringify(data);
  const before = kept.get(key);
  if (before?.data === text) return before.node;
  const node = make(data);
  if (before) {
    // What was opened stays open.
    const open = new Set([...before.node.querySelectorAll("details[open]")].map((each) => each.id));
    for (const details of node.querySelectorAll("details")) if (open.has(details.id)) details.open = true;
  }
  kept.set(key, { data: text, node });
  return node;
}

/**
 * Puts children in place and leaves those alone that are there already.
 *
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} children
 */
export function place(parent, children) {
  const same = children.length === parent.children.length && children.every((each, i) => parent.children[i] === each);
  if (same) return;
  const focused = document.activeElement?.id;
  parent.replaceChildren(...children);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/**
 * The element of the page that has this id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element "${id}"`);
  return element;
}
