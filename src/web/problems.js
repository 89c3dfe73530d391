// Problems for the user: the server's problem+json, a server that cannot be reached, a file that is
// not an image.

import { find, make, show } from "./dom.js";

/// A problem that the page can show.
export class Problem extends Error {
  constructor({ title, detail, hint, status = 0, request_id = null, retryAfter = null }) {
    super(detail ?? title);
    Object.assign(this, { title, detail, hint, status, request_id, retryAfter });
  }
}

/// The problem of a failed response.
export async function problemOf(response) {
  const retryAfter = response.headers.get("retry-after");
  const body = await response.json().catch(() => null);
  if (body?.title) return new Problem({ ...body, retryAfter });
  return new Problem({
    title: "The answer is not from this server",
    detail: `The response was ${response.status} ${response.statusText}`.trim() + ".",
    hint: "A proxy between this page and the server may have answered. Ask the operator.",
    status: response.status,
    retryAfter,
  });
}

export const unreachable = () => new Problem({
  title: "The server cannot be reached",
  detail: "The server does not respond. It may have been stopped, or the connection is down.",
  hint: "Try again when it runs. Your image and nuclei stay on this page.",
});

const sentence = (text) => {
  const full = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(full) ? full : `${full}.`;
};

/// The problem as elements.
export function inWords(problem) {
  return [
    make("p", {}, sentence(problem.detail ?? problem.title)),
    problem.hint && make("p", {}, sentence(problem.hint)),
    problem.retryAfter && make("p", {}, `Try again in ${problem.retryAfter} s.`),
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
