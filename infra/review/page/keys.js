// Keys of actions: each can be changed, and all can be switched off (WCAG 2.2, 2.1.4). The browser keeps the choice.

import { element, find } from "./elements.js";

const STORE = "cellflag review keys";
const USUAL = {
  ALL: "a", normal: "n", cannot_say: "s", undo: "z", next: "ArrowRight", previous: "ArrowLeft", map: "h", outline: "o",
  gallery: "g", filters: "f", comment: "c", larger: "+", smaller: "-", fit: "0", help: "?",
};
const TITLES = {
  ALL: "Label ALL", normal: "Label normal", cannot_say: "Cannot say", undo: "Undo my last label", next: "Next cell",
  previous: "Previous cell", map: "Map on or off", outline: "Outline and marks on or off", gallery: "Gallery or single cell",
  filters: "Filters", comment: "Write a comment", larger: "Zoom in", smaller: "Zoom out", fit: "Fit the image", help: "Keys and help",
};
const SHORT = { ArrowRight: "→", ArrowLeft: "←", " ": "Space" };

let settings = read();
let waiting = null;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE)) ?? {};
    return { on: kept.on !== false, keys: { ...USUAL, ...kept.keys } };
  } catch {
    return { on: true, keys: { ...USUAL } };
  }
}

function keep() {
  localStorage.setItem(STORE, JSON.stringify(settings));
  show();
}

const normal = (key) => (key.length === 1 ? key.toLowerCase() : key);

function types(target) {
  return target.closest("select, textarea") || (target.matches("input") && target.type !== "checkbox");
}

export function listen(act) {
  document.addEventListener("keydown", (event) => {
    if (waiting) return learn(event);
    if (!settings.on || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (types(event.target)) {
      if (event.key === "Escape" || (event.key === "Enter" && event.target.id === "comment")) event.target.blur();
      return;
    }
    if (event.target.id === "stage" && event.key.startsWith("Arrow") && scrolls(event.target)) return;
    const action = Object.keys(settings.keys).find((name) => settings.keys[name] === normal(event.key));
    if (!action || event.repeat && action !== "next" && action !== "previous") return;
    event.preventDefault();
    act(action);
  });
  find("#keys-on").addEventListener("change", (event) => { settings.on = event.target.checked; keep(); });
  find("#reset-keys").addEventListener("click", () => { settings = { on: true, keys: { ...USUAL } }; keep(); });
  show();
}

const scrolls = (stage) => stage.scrollWidth > stage.clientWidth || stage.scrollHeight > stage.clientHeight;

function learn(event) {
  event.preventDefault();
  event.stopPropagation();
  const { action } = waiting;
  waiting = null;
  if (["Escape", "Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key)) return show();
  const key = normal(event.key);
  for (const name of Object.keys(settings.keys)) if (settings.keys[name] === key) settings.keys[name] = "";
  settings.keys[action] = key;
  keep();
  find(`#keys [data-change="${action}"]`)?.focus();
}

function show() {
  find("#keys-on").checked = settings.on;
  find("#keys").replaceChildren(...Object.entries(TITLES).map(([action, title]) => {
    const change = element("button", { type: "button", "data-change": action, "aria-label": `Change the key of: ${title}` }, "Change");
    change.addEventListener("click", () => { waiting = { action }; change.textContent = "Press a key"; });
    const clear = element("button", { type: "button", "aria-label": `No key for: ${title}` }, "None");
    clear.addEventListener("click", () => { settings.keys[action] = ""; keep(); });
    const key = settings.keys[action];
    return element("tr", {}, element("td", {}, title), element("td", {}, key ? element("kbd", {}, SHORT[key] ?? key) : "none"),
      element("td", {}, change, " ", clear));
  }));
  for (const button of document.querySelectorAll("#answers [data-action], .layers [data-action]")) {
    button.querySelector("kbd")?.remove();
    const key = settings.keys[button.dataset.action];
    if (settings.on && key && !SHORT[key]) button.append(element("kbd", { "aria-hidden": "true" }, key));
  }
}
