// One cell in full: what the model says, whether to accept it and why, and how the answers spread.

import { find, make } from "./dom.js";
import { thumbnail } from "./opened.js";
import { limit, spread, spreadInWords } from "./plot.js";
import { doubtInWords, measureTable } from "./measures.js";
import { sideBySide } from "./methods.js";
import { inWords } from "./problems.js";
import { called, className, isUnlike, measured, measureName, methodName, notExcluded, number, percent, reasons, verdict, warningInWords } from "./words.js";

const THUMBNAIL = 280;

/// Shows a cell. `about` holds the image, the model, the edge of the square, the policy of an answer and how to ask for views.
export function showCell(cell, about) {
  find("cell").replaceChildren(...(cell.prediction ? answered(cell, about) : failed(cell, about)).flat().filter(Boolean));
}

export const cellName = (cell) => (cell.place ? `Cell ${cell.id}` : "This cell");

const title = (cell) => make("h3", { id: "cell-title", tabindex: "-1" }, cellName(cell));

const picture = (cell, about) => thumbnail(about.image, cell.place, about.edge, THUMBNAIL);

function failed(cell, about) {
  return [title(cell), make("div", { class: "head" }, picture(cell, about), make("div", {}, make("p", { class: "call" }, "No answer"), make("p", {}, make("b", {}, cell.problem.title)), inWords(cell.problem)))];
}

function answered(cell, about) {
  const answer = cell.prediction;
  const unlike = isUnlike(answer);
  const rest = [
    make("h4", {}, "How the answers spread"),
    make("p", {}, spreadInWords(answer)),
    spread(answer),
    make("p", { class: "quiet" }, answer.samples.used > 1 ? "A dot for each answer, a stroke at their mean. Dots close together: the answers agree." : null),
    make("h4", {}, "How unsure it is"),
    doubtInWords(answer).map((words) => make("p", {}, words)),
    make("h4", {}, "The methods side by side"),
    sideBySide(answer, about.model, () => about.askForViews(cell)),
    record(answer, about.policyOf(answer)),
  ].flat().filter(Boolean);
  // Of an image that is no cell the class means nothing; the numbers stay for whoever tests the model.
  const below = unlike ? [make("details", {}, make("summary", {}, "The numbers all the same, for those who test the model"), rest)] : rest;
  return [title(cell), make("div", { class: "head" }, picture(cell, about), make("div", { class: "verdict" }, call(cell, unlike, about.model.labels), decision(answer, about.policyOf(answer), about.model.labels))), below];
}

/// The class in words, or that there is none.
function call(cell, unlike, labels) {
  const { label, probability, abnormal_probability: abnormal } = cell.prediction.prediction;
  const { name } = called(cell.prediction, labels);
  const said = cell.said && make("p", { class: "quiet" }, `The data set's experts called it ${cell.said}.`);
  if (unlike) return [make("p", { class: "call" }, "This does not look like the cells the model knows"), said];
  const long = className(name);
  const leading = name === label ? "" : `${label}, the most probable class: `;
  return [
    make("p", { class: "call" }, name, long !== name && make("span", { class: "long" }, long)),
    make("p", {}, leading, make("b", {}, percent(probability)), name === label ? " probable; abnormal in any way: " : "; abnormal in any way: ", make("b", {}, percent(abnormal)), "."),
    notExcluded(cell.prediction) && make("p", {}, notExcluded(cell.prediction)),
    said,
  ];
}

function decision(answer, policy, labels) {
  const { action } = answer.decision;
  const { word, sign, state } = verdict(answer, labels);
  const value = policy ? measured(answer, policy.measure) : null;
  // Of a cell that is referred as abnormal it does not matter how sure the model is.
  const asked = action === "accept" || answer.decision.reasons.includes("uncertain");
  const bar = asked && policy && policy.threshold !== null && value !== null;
  const words = bar && `${measureName(policy.measure)}: ${number(value)}, limit ${number(policy.threshold)}`;
  return [
    make("p", {}, make("span", { class: `badge large ${state}` }, make("span", { "aria-hidden": "true" }, `${sign} `), word)),
    reasons(answer, policy).map((reason) => make("p", {}, reason)),
    bar && !isUnlike(answer) && [limit(value, policy.threshold, words), make("p", { class: "quiet" }, words.charAt(0).toUpperCase() + words.slice(1))],
    policy && action === "accept" && make("p", { class: "quiet" }, promiseInWords(policy)),
    answer.warnings.map((warning) => make("p", { class: "warning" }, make("b", {}, "Note: "), warningInWords(warning))),
  ].flat(2);
}

/// A policy written by hand has no cells that it was measured on.
function promiseInWords({ promise, certificate, caveat }) {
  const of = certificate ? `, for cells like the ${certificate.cells} it was measured on` : "";
  return `Promise: ${promise}${of}.${caveat ? ` Note: ${caveat}.` : ""}`;
}

function record(answer, policy) {
  const { seed, software, execution_provider: provider } = answer.provenance;
  const facts = [
    ["Answer", answer.id], ["Request", answer.request_id],
    ["Model", `${answer.model.name}, version ${answer.model.version}`],
    ["Method", methodName(answer.method)], ["Policy", policy?.name ?? "none"],
    ["Likeness to known cells", answer.ood ? `p = ${number(answer.ood.p_value)}, distance ${number(answer.ood.score)}` : "not measured"],
    ["Seed", String(seed)], ["Software", `${software}, ${provider}`],
    ["Took", `${Math.round(answer.timing_ms.total)} ms`],
  ];
  return make("details", {}, make("summary", {}, "All numbers, for the record"), measureTable(answer),
    make("dl", { class: "facts" }, facts.map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]).flat()));
}
