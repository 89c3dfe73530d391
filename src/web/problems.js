// What went wrong, in words: the server's problem+json, a server that is not there, a file that is no image.

import { find, make, show } from "./dom.js";

/// Something that can be shown to whoever looks at the page.
export class Problem extends Error {
  constructor({ title, detail, hint, status = 0, request_id = null, retryAfter = null }) {
    super(detail ?? title);
    Object.assign(this, { title, detail, hint, status, request_id, retryAfter });
  }
}

/// Of a response that is no success.
export async function problemOf(response) {
  const retryAfter = response.headers.get("retry-after");
  const body = await response.json().catch(() => null);
  if (body?.title) return new Problem({ ...body, retryAfter });
  return new Problem({
    title: "The server gave no answer",
    detail: `It said ${response.status} ${response.statusText}`.trim() + ".",
    hint: "Perhaps something between this page and the server answered in its place.",
    status: response.status,
    retryAfter,
  });
}

export const unreachable = () => new Problem({
  title: "The server cannot be reached",
  detail: "No answer came: it may have been stopped, or the connection is gone.",
  hint: "Ask again when it runs; your image and nuclei stay here.",
});

const sentence = (text) => {
  const full = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(full) ? full : `${full}.`;
};

/// The same in elements.
export function inWords(problem) {
  return [
    make("p", {}, sentence(problem.detail ?? problem.title)),
    problem.hint && make("p", {}, sentence(problem.hint)),
    problem.retryAfter && make("p", {}, `The server asks to wait ${problem.retryAfter} s.`),
    problem.request_id && make("p", { class: "quiet" }, "Request ", make("code", {}, problem.request_id)),
  ];
}

export function showProblem(problem) {
  const box = find("problem");
  const close = make("button", { type: "button", onclick: () => show(box, false) }, "Close");
  box.replaceChildren(make("h2", {}, problem.title), ...inWords(problem).filter(Boolean), close);
  show(box);
  box.scrollIntoView({ block: "nearest" });
}

export const hideProblem = () => show(find("problem"), false);
