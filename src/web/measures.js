// How unsure an answer is, in words first and numbers after.

import { make } from "./dom.js";
import { number, percent, plural, sampleName } from "./words.js";

/// Entropy as what it feels like: a fair choice between so many classes (its exponential).
export function doubtInWords(answer) {
  const { predictive_entropy: entropy, mutual_information: shared, variation_ratio: others } = answer.uncertainty;
  const classes = Math.exp(entropy);
  const doubt = `As much doubt as a fair choice between ${classes.toFixed(1)} of the ${answer.probabilities.length} classes.`;
  const { used } = answer.samples;
  if (used < 2) return [doubt, "A single answer cannot tell doubt about the cell from doubt about the network."];
  const share = entropy > 0 ? Math.min(1, shared / entropy) : 0;
  return [
    doubt,
    `${percent(1 - share)} of it all ${sampleName(answer.method)}s share: this image is hard to call. In the other ${percent(share)} they disagree with each other.`,
    others > 0 ? `${Math.round(others * used)} of ${plural(used, sampleName(answer.method))} name another class than most.` : `All ${plural(used, sampleName(answer.method))} name the same class.`,
  ];
}

/// Every measure with its name and unit.
export function measureTable(answer) {
  const { uncertainty: of } = answer;
  const paper = (score) => (score.value === null ? "undefined" : `${number(score.value)}${score.normalised === null ? "" : ` (${number(score.normalised)} of its range)`}`);
  const rows = [
    ["Doubt between all classes", "predictive_entropy", `${number(of.predictive_entropy)} nats`],
    ["Mean doubt of single answers", "expected_entropy", `${number(of.expected_entropy)} nats`],
    ["Disagreement", "mutual_information", `${number(of.mutual_information)} nats`],
    ["Doubt, normal or abnormal", "abnormal_entropy", of.abnormal_entropy === null ? "undefined" : `${number(of.abnormal_entropy)} nats`],
    ["Answers for another class", "variation_ratio", percent(of.variation_ratio)],
    ["Variance of the leading class", "variance", number(of.variance)],
    ["Paper's variance", "paper.variance", paper(of.paper.variance)],
    ["Paper's entropy", "paper.entropy", paper(of.paper.entropy)],
    ["Paper's sample mean", "paper.sample_mean", paper(of.paper.sample_mean)],
  ];
  const row = ([name, code, value]) => make("tr", {}, make("th", { scope: "row" }, name, " ", make("code", {}, code)), make("td", {}, value));
  return make("table", { class: "numbers" }, make("caption", { class: "unseen" }, "Measures of uncertainty"), make("tbody", {}, rows.map(row)));
}
