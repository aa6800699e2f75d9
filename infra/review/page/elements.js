// Make elements. Texts only ever become text nodes, because anybody who may upload images chooses their keys.

const SVG = "http://www.w3.org/2000/svg";

export const find = (selector) => document.querySelector(selector);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  fill(made, attributes, children);
  return made;
}

export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  fill(made, attributes, children);
  return made;
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

// A key may hold marks that change the direction of the text around it, so it is set apart.
export const keyText = (key) => element("bdi", { class: "key", dir: "auto" }, key);

export const NAMES = { ALL: "ALL", normal: "normal", cannot_say: "cannot say" };

export const words = (name) => name.replaceAll("_", " ");
export const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4);
export const when = (time) => (time ? `${time.slice(0, 16).replace("T", " ")} UTC` : "at an unknown time");
