// Makes and finds elements. Text is always set as text, so nothing from a server or a file becomes
// markup.

const SVG = "http://www.w3.org/2000/svg";

export const find = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/// An HTML element.
export const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/// An SVG element.
export const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export const show = (element, visible = true) => { element.hidden = !visible; };

/// Announces a text to screen readers.
export function announce(text) {
  find("live").textContent = text;
}
