// The API key: requested when the server needs one, kept in this tab only.

import { announce, find, show } from "./dom.js";

const NAME = "secondlook-key";
/// A header can only have these characters, and so can a key.
const POSSIBLE = /^[!-~]+$/;
const IMPOSSIBLE = "This is not an API key: a key has no spaces, accents or special quotes. Copy the key again.";
let kept = null;

/// If the browser forbids storage, the key is kept until the page is closed.
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

/// Shows the input, and calls back once with a key.
export function askForKey(problem, then) {
  const [section, form, field] = [find("key"), find("key-form"), find("key-value")];
  const start = problem.status === 403 || read() ? `${problem.detail.charAt(0).toUpperCase()}${problem.detail.slice(1)}. ` : "";
  find("key-why").textContent = `${start}Ask the operator of the server for a key. It is kept in this tab until you close the tab, and sent to this server only.`;
  show(section);
  announce("This server needs an API key.");
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
