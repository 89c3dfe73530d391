// The methods side by side, and the answer for each augmented view.

import { make } from "./dom.js";
import { strip, samplesOf, spreadInWords } from "./plot.js";
import { methodHow, methodName, number, percent, sampleName, verdict } from "./words.js";

/// The answer itself and its comparisons, in the model's order of methods.
export const allAnswers = (answer, methods) => {
  const all = [answer, ...answer.comparisons];
  return methods.map((method) => all.find((entry) => entry.method === method)).filter(Boolean);
};

/// `onViews` requests the augmented views if they are missing.
export function sideBySide(answer, { methods, labels }, onViews) {
  const answers = allAnswers(answer, methods);
  const row = (entry) => {
    const { word, sign, state } = verdict(entry, labels);
    return make("tr", { class: entry.method === answer.method ? "chosen" : null },
      make("th", { scope: "row" }, methodName(entry.method), make("span", { class: "quiet block" }, methodHow(entry.method))),
      make("td", {}, make("b", {}, entry.prediction.label), " ", percent(entry.prediction.probability)),
      make("td", {}, strip(entry), make("span", { class: "unseen" }, spreadInWords(entry))),
      make("td", { class: "figure" }, number(entry.uncertainty.predictive_entropy)),
      make("td", {}, make("span", { class: `badge ${state}` }, make("span", { "aria-hidden": "true" }, `${sign} `), word)));
  };
  const heads = ["Method", "Class", "Spread, 0 to 100%", "Entropy, nats", "Suggestion"];
  const table = make("table", { class: "methods" },
    make("caption", { class: "unseen" }, "The answer of each method for this cell"),
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, answers.map(row)));
  const tta = answers.find((entry) => entry.method === "tta");
  const missing = methods.includes("tta") && !tta?.samples.views;
  const words = tta ? "Show the views of this cell" : "Add augmented views of this cell";
  return [
    make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Methods side by side" }, table),
    missing && make("p", {}, make("button", { type: "button", id: "ask-views", onclick: onViews }, words)),
    views(tta),
  ];
}

/// Each view and its answer. For several cells at a time the server sends no pictures.
function views(answer) {
  if (!answer) return null;
  const pictures = answer.samples.views;
  const picture = (at) => pictures && make("img", { src: `data:image/png;base64,${pictures[at]}`, alt: "" });
  const view = (row, at) => {
    const best = row.indexOf(Math.max(...row));
    const label = answer.probabilities[best].label;
    const same = best === answer.prediction.index;
    return make("li", { class: same ? null : "differs" }, picture(at), make("span", { class: "quiet" }, `${at + 1}`), " ", make("b", {}, label), ` ${percent(row[best])}`);
  };
  const { used, requested, stopped_early: early } = answer.samples;
  const why = early ? `${used} of ${requested} views: it stopped early, because the decision was settled.` : `${used} of ${requested} views.`;
  return make("details", { class: "views", open: pictures !== null },
    make("summary", {}, `The answer for each ${sampleName("tta")}`),
    make("p", { class: "quiet" }, `${why} A frame marks views with another class than the whole answer.`),
    make("ol", { class: "view-list" }, samplesOf(answer).map(view)));
}
