// The API key: asked for when the server wants one, kept in this tab only.

import { announce, find, show } from "./dom.js";

const NAME = "secondlook-key";
/// A browser sends nothing else in a header, and no key has anything else.
const POSSIBLE = /^[!-~]+$/;
const IMPOSSIBLE = "This cannot be an API key: it has a space, an accent or another sign that no key has. Copy the key once more.";
let kept = null;

/// A browser that forbids storage still keeps the key until the page is left.
function read() {
  try { return sessionStorage.getItem(NAME) ?? kept; } catch { return kept; }
}

function keep(key) {
  kept = key;
  try { sessionStorage.setItem(NAME, key); } catch { /* kept above */ }
}

export const headers = () => (read() ? { Authorization: `Bearer ${read()}` } : {});

function refuse(field) {
  find("key-why").textContent = IMPOSSIBLE;
  announce(IMPOSSIBLE);
  field.focus();
}

/// Shows the field, and calls back once with a key given.
export function askForKey(problem, then) {
  const [section, form, field] = [find("key"), find("key-form"), find("key-value")];
  const start = problem.status === 403 || read() ? `${problem.detail.charAt(0).toUpperCase()}${problem.detail.slice(1)}. ` : "";
  find("key-why").textContent = `${start}Ask whoever runs it for one. It is kept in this tab until you close it, and sent to this server only.`;
  show(section);
  announce("This server asks for an API key.");
  form.onsubmit = (event) => {
    event.preventDefault();
    const key = field.value.trim();
    field.value = "";
    if (!POSSIBLE.test(key)) return refuse(field);
    keep(key);
    show(section, false);
    then();
  };
  field.focus();
}
