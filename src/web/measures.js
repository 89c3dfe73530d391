// The uncertainty of an answer, as sentences and as numbers.

import { make } from "./dom.js";
import { number, percent, plural, sampleName } from "./words.js";

/// Entropy as a number of equally likely classes (its exponential).
export function doubtInWords(answer) {
  const { predictive_entropy: entropy, mutual_information: shared, variation_ratio: others } = answer.uncertainty;
  const classes = Math.exp(entropy);
  const doubt = `As uncertain as a fair choice between ${classes.toFixed(1)} of the ${answer.probabilities.length} classes.`;
  const { used } = answer.samples;
  if (used < 2) return [doubt, "A single answer cannot tell whether the cell or the network is the source of the uncertainty."];
  const share = entropy > 0 ? Math.min(1, shared / entropy) : 0;
  return [
    doubt,
    `${percent(1 - share)} of the uncertainty is common to all ${sampleName(answer.method)}s: the image is hard to classify. ${percent(share)} comes from disagreement between them.`,
    others > 0 ? `${Math.round(others * used)} of ${plural(used, sampleName(answer.method))} name another class than the majority.` : `All ${plural(used, sampleName(answer.method))} name the same class.`,
  ];
}

/// Every measure with its name and unit.
export function measureTable(answer) {
  const { uncertainty: of } = answer;
  const paper = (score) => (score.value === null ? "undefined" : `${number(score.value)}${score.normalised === null ? "" : ` (${number(score.normalised)} of its range)`}`);
  const rows = [
    ["Uncertainty between all classes", "predictive_entropy", `${number(of.predictive_entropy)} nats`],
    ["Mean uncertainty of single answers", "expected_entropy", `${number(of.expected_entropy)} nats`],
    ["Disagreement", "mutual_information", `${number(of.mutual_information)} nats`],
    ["Uncertainty, normal or abnormal", "abnormal_entropy", of.abnormal_entropy === null ? "undefined" : `${number(of.abnormal_entropy)} nats`],
    ["Answers for another class", "variation_ratio", percent(of.variation_ratio)],
    ["Variance of the leading class", "variance", number(of.variance)],
    ["Variance as in the paper", "paper.variance", paper(of.paper.variance)],
    ["Entropy as in the paper", "paper.entropy", paper(of.paper.entropy)],
    ["Sample mean as in the paper", "paper.sample_mean", paper(of.paper.sample_mean)],
  ];
  const row = ([name, code, value]) => make("tr", {}, make("th", { scope: "row" }, name, " ", make("code", {}, code)), make("td", {}, value));
  return make("table", { class: "numbers" }, make("caption", { class: "unseen" }, "Measures of uncertainty"), make("tbody", {}, rows.map(row)));
}
