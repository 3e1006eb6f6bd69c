// Runs the page of a sandbox as a browser would, and prints what it shows: node page.mjs http://127.0.0.1:8081
//
// Of a document here is only what the page uses; what it does not know it refuses, so that it never pretends.

import { performance } from "node:perf_hooks";
import { runInNewContext } from "node:vm";

const [, , base] = process.argv;

/* ---- a document ---- */

let active = null;
const SELECTORS = {
  ":focus-visible": (element) => element === active,
  ":hover": () => false,
  "button": (element) => element.tagName === "BUTTON",
  "details": (element) => element.tagName === "DETAILS",
  "details[open]": (element) => element.tagName === "DETAILS" && element.open,
};
function selects(selector, element) {
  return selector.split(", ").some((one) => {
    if (!SELECTORS[one]) throw new Error(`the test's document does not know the selector ${one}`);
    return SELECTORS[one](element);
  });
}

class Element {
  tagName; nodes = []; parentElement = null; listeners = {}; attributes = {}; dataset = {};
  className = ""; hidden = false; open = false; scrollTop = 0; chosen;

  constructor(name) { this.tagName = name.toUpperCase(); }
  get classList() { return { add: (name) => { this.className = `${this.className} ${name}`.trim(); } }; }
  get children() { return this.nodes.filter((node) => node instanceof Element); }
  get descendants() { return this.children.flatMap((child) => [child, ...child.descendants]); }
  get textContent() { return this.nodes.map((node) => node instanceof Element ? node.textContent : node).join(""); }
  set textContent(text) { this.replaceChildren(String(text)); }
  get text() { return this.textContent; }
  get options() { return this.descendants.filter((element) => element.tagName === "OPTION"); }
  get selectedOptions() { return this.options.filter((option) => option.value === this.value); }
  get value() { return this.chosen ?? (this.tagName === "SELECT" ? this.options[0]?.value : undefined) ?? ""; }
  set value(value) { this.chosen = String(value); }

  put(place, nodes) {
    for (const node of nodes) {
      if (node instanceof Element) { node.remove(); node.parentElement = this; }
    }
    this.nodes.splice(place, 0, ...nodes);
  }
  append(...nodes) { this.put(this.nodes.length, nodes); }
  prepend(...nodes) { this.put(0, nodes); }
  replaceChildren(...nodes) {
    for (const child of this.children) child.remove();
    this.nodes = [];
    this.append(...nodes);
  }
  replaceWith(node) {
    const parent = this.parentElement, place = parent.nodes.indexOf(this);
    this.remove();
    parent.put(place, [node]);
  }
  remove() {
    if (this.parentElement) this.parentElement.nodes = this.parentElement.nodes.filter((node) => node !== this);
    this.parentElement = null;
  }
  contains(element) { return element === this || this.descendants.includes(element); }
  matches(selector) { return selects(selector, this); }
  querySelectorAll(selector) { return this.descendants.filter((element) => selects(selector, element)); }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  setAttribute(name, value) { this.attributes[name] = value; }
  focus() { active = this; }
  addEventListener(type, deed) { (this.listeners[type] ??= []).push(deed); }
  dispatchEvent({ type }) {
    const event = { type, target: this, preventDefault() {} };
    for (const deed of [...this.listeners[type] ?? [], this["on" + type]].filter(Boolean)) deed(event);
  }
}

/* Builds the elements of a page whose marks are well formed; returns them by their ids. */
function built(html) {
  const byId = new Map(), within = [new Element("body")];
  for (const [, slash, name, attributes, text] of html.matchAll(/<(\/?)([a-z0-9]+)([^>]*)>|([^<]+)/g)) {
    if (text) within.at(-1).append(text);
    else if (slash) within.pop();
    else {
      const element = new Element(name);
      for (const [, key, value] of attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)) {
        if (key === "id") byId.set(value, element);
        else if (key === "class") element.className = value;
        else if (key === "value") element.value = value;
        else if (key === "hidden" || key === "open") element[key] = true;
      }
      within.at(-1).append(element);
      if (name !== "input") within.push(element);
    }
  }
  return byId;
}

/* ---- the page ---- */

const page = await (await fetch(base)).text();
const [, html, script] = /<body>(.*)<script>(.*)<\/script>/s.exec(page);
const byId = built(html), timers = new Map();

function at(id) {
  if (!byId.has(id)) throw new Error(`the page has no element ${id}`);
  return byId.get(id);
}
const document = {
  title: "", hidden: false, getElementById: at, createElement: (name) => new Element(name), addEventListener() {},
  get activeElement() { return active; },
};
let timersSet = 0;
runInNewContext(script, {
  document, performance, URLSearchParams,
  Event: class { constructor(type) { this.type = type; } },
  fetch: (path, order) => fetch(base + path, order),
  matchMedia: () => ({ matches: true }),
  setTimeout: (deed) => { timers.set(timersSet += 1, deed); return timersSet; },
  clearTimeout: (timer) => timers.delete(timer),
}, { filename: "page.js" });

/* ---- who looks at it ---- */

const turn = () => new Promise(setImmediate);
const waiting = () => [...timers].find(([, deed]) => deed.name === "watch");

/* Waits until the page has looked at the sandbox, and is to look again later. */
async function looked() {
  while (!waiting()) await turn();
}
/* Lets the time come for another look. */
async function look() {
  await looked();
  const [timer, watch] = waiting();
  timers.delete(timer);
  await watch();
}
async function press(button) {
  button.dispatchEvent({ type: "click" });
  while (button.disabled) await turn();
}
function search(text) {
  at("filter").value = text;
  at("filter").dispatchEvent({ type: "input" });
}
const words = (element) => element.nodes.flatMap((node) => node instanceof Element ? words(node) : [node]).filter(Boolean);
const rows = (list) => at(list).children.filter((row) => !row.hidden).map((row) => words(row).join(" "));
const LISTS = ["phones", "contacts", "callbacks", "calls"];
const NUMBERS = ["customers", "welcomes", "messages", "calls", "failed_calls", "attempts"];
const of = (names, value) => Object.fromEntries(names.map((name) => [name, value(name)]));
const shown = () => ({
  title: document.title, light: at("light").className, state: at("state").textContent, told: at("told").textContent,
  numbers: of(NUMBERS, (name) => at("n-" + name).textContent),
  ...of(LISTS, rows),
  empty: of(LISTS, (list) => at(list + "-empty").hidden ? null : at(list + "-empty").textContent),
  fresh: of(LISTS, (list) => at(list + "-fresh").hidden ? null : at(list + "-fresh").textContent),
});

const seen = {};
await looked();
seen.first = shown();

search("40096");
const details = at("calls").children.find((row) => !row.hidden).querySelector("details");
details.open = true;
details.dispatchEvent({ type: "toggle" });
seen.searched = shown();
details.open = false;
search("");

const buttons = () => at("phones").querySelectorAll("button");
await press(buttons()[0]);
await look();
seen.pressed = shown();

await press(at("pause"));
await press(buttons()[1]);
await look();
seen.paused = shown();
await press(at("callbacks-fresh"));
seen.freshened = shown();

console.log(JSON.stringify(seen));
process.exit(0); // the connections to the sandbox would be kept for a while
