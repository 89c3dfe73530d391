// One cell in detail: the answer, the decision with its reasons, and the spread of the samples.

import { find, make } from "./dom.js";
import { thumbnail } from "./opened.js";
import { limit, spread, spreadInWords } from "./plot.js";
import { doubtInWords, measureTable } from "./measures.js";
import { sideBySide } from "./methods.js";
import { inWords } from "./problems.js";
import { called, className, isUnlike, measured, measureName, methodName, notExcluded, number, percent, reasons, verdict, warningInWords } from "./words.js";

const THUMBNAIL = 280;

/// Shows a cell. `about` has the image, the model, the edge of the crop, the policy of an answer
/// and a function that requests the views.
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
    make("p", { class: "quiet" }, answer.samples.used > 1 ? "Each dot is one answer, the stroke is their mean. If the dots are close together, the answers agree." : null),
    make("h4", {}, "How uncertain the answer is"),
    doubtInWords(answer).map((words) => make("p", {}, words)),
    make("h4", {}, "The methods side by side"),
    sideBySide(answer, about.model, () => about.askForViews(cell)),
    record(answer, about.policyOf(answer)),
  ].flat().filter(Boolean);
  // An image that is not a cell has no meaningful class. The numbers stay available for people who
  // test the model.
  const below = unlike ? [make("details", {}, make("summary", {}, "Show the numbers anyway, for people who test the model"), rest)] : rest;
  return [title(cell), make("div", { class: "head" }, picture(cell, about), make("div", { class: "verdict" }, call(cell, unlike, about.model.labels), decision(answer, about.policyOf(answer), about.model.labels))), below];
}

/// The class and its probability, or the statement that there is none.
function call(cell, unlike, labels) {
  const { label, probability, abnormal_probability: abnormal } = cell.prediction.prediction;
  const { name } = called(cell.prediction, labels);
  const said = cell.said && make("p", { class: "quiet" }, `The experts of the data set labelled it ${cell.said}.`);
  if (unlike) return [make("p", { class: "call" }, "This does not look like the cells that the model was trained on"), said];
  const long = className(name);
  const leading = name === label ? "" : `${label}, the most probable class: `;
  return [
    make("p", { class: "call" }, name, long !== name && make("span", { class: "long" }, long)),
    make("p", {}, leading, make("b", {}, percent(probability)), name === label ? " probable; all abnormal classes together: " : "; all abnormal classes together: ", make("b", {}, percent(abnormal)), "."),
    notExcluded(cell.prediction) && make("p", {}, notExcluded(cell.prediction)),
    said,
  ];
}

function decision(answer, policy, labels) {
  const { action } = answer.decision;
  const { word, sign, state } = verdict(answer, labels);
  const value = policy ? measured(answer, policy.measure) : null;
  // For a cell that is referred as abnormal, the uncertainty does not matter.
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

/// A policy written by hand has no calibration cells.
function promiseInWords({ promise, certificate, caveat }) {
  const of = certificate ? `, for cells like the ${certificate.cells} that it was measured on` : "";
  return `Promise: ${promise}${of}.${caveat ? ` Note: ${caveat}.` : ""}`;
}

function record(answer, policy) {
  const { seed, software, execution_provider: provider } = answer.provenance;
  const facts = [
    ["Answer", answer.id], ["Request", answer.request_id],
    ["Model", `${answer.model.name}, version ${answer.model.version}`],
    ["Method", methodName(answer.method)], ["Policy", policy?.name ?? "none"],
    ["Similarity to training cells", answer.ood ? `p = ${number(answer.ood.p_value)}, distance ${number(answer.ood.score)}` : "not measured"],
    ["Seed", String(seed)], ["Software", `${software}, ${provider}`],
    ["Duration", `${Math.round(answer.timing_ms.total)} ms`],
  ];
  return make("details", {}, make("summary", {}, "All numbers, for your records"), measureTable(answer),
    make("dl", { class: "facts" }, facts.map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]).flat()));
}
