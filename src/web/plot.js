// The spread of an answer's samples, as pictures with a sentence for each.

import { draw } from "./dom.js";
import { percent, plural, sampleName } from "./words.js";

const [WIDTH, LEFT, RIGHT, ROW] = [460, 66, 56, 30];
const across = (probability) => LEFT + probability * (WIDTH - LEFT - RIGHT);
/// Moves dots apart that would overlap; the same every time.
const offset = (index) => ((index * 7) % 11 - 5) * 1.5;

/// The samples, or the mean if the answer has none.
export const samplesOf = (answer) => answer.samples.values ?? [answer.probabilities.map((entry) => entry.probability)];

/// How often each class leads, most often first.
export function votes(answer) {
  const counts = answer.probabilities.map((entry) => ({ label: entry.label, count: 0 }));
  for (const row of samplesOf(answer)) counts[row.indexOf(Math.max(...row))].count += 1;
  return counts.filter((entry) => entry.count > 0).sort((left, right) => right.count - left.count);
}

/// The spread in a sentence.
export function spreadInWords(answer) {
  const samples = samplesOf(answer);
  const { label, index, probability } = answer.prediction;
  if (samples.length < 2) return `One answer: ${label} with ${percent(probability)}. A single answer has no spread.`;
  const values = samples.map((row) => row[index]);
  const said = votes(answer).map((vote) => `${vote.count} name ${vote.label}`);
  return `Of ${plural(samples.length, sampleName(answer.method))}, ${said.join(", ")}. The probability of ${label} ranges from ${percent(Math.min(...values))} to ${percent(Math.max(...values))}.`;
}

/// A row for each class, a dot for each sample, a line at the mean.
export function spread(answer) {
  const samples = samplesOf(answer);
  const height = answer.probabilities.length * ROW + 24;
  const row = ({ label, probability }, index) => {
    const [middle, leads] = [index * ROW + ROW / 2, index === answer.prediction.index];
    const dot = (values, at) => draw("circle", { cx: across(values[index]).toFixed(1), cy: (middle + (samples.length > 1 ? offset(at) : 0)).toFixed(1), r: 3 });
    return draw("g", { class: leads ? "class leads" : "class" },
      draw("line", { class: "rail", x1: across(0), x2: across(1), y1: middle, y2: middle }),
      draw("text", { class: "label", x: LEFT - 8, y: middle + 5, "text-anchor": "end" }, label),
      samples.map(dot),
      draw("line", { class: "mean", x1: across(probability), x2: across(probability), y1: middle - 11, y2: middle + 11 }),
      draw("text", { class: "value", x: WIDTH - RIGHT + 10, y: middle + 5 }, percent(probability)));
  };
  const tick = (at) => draw("text", { class: "tick", x: across(at), y: height - 6, "text-anchor": "middle" }, percent(at));
  return draw("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "spread", role: "img", "aria-label": spreadInWords(answer) },
    answer.probabilities.map(row), [0, 0.5, 1].map(tick));
}

/// The leading class alone, for lists: a stroke for each sample between 0 and 1.
export function strip(answer) {
  const { index, probability } = answer.prediction;
  const at = (value) => (2 + value * 96).toFixed(1);
  const stroke = (row) => draw("line", { class: "stroke", x1: at(row[index]), x2: at(row[index]), y1: 4, y2: 14 });
  return draw("svg", { viewBox: "0 0 100 18", class: "strip", "aria-hidden": "true" },
    draw("line", { class: "rail", x1: 2, x2: 98, y1: 9, y2: 9 }),
    samplesOf(answer).map(stroke),
    draw("line", { class: "mean", x1: at(probability), x2: at(probability), y1: 1, y2: 17 }));
}

/// The distance between the measure of a policy and its limit.
export function limit(value, threshold, words) {
  const most = Math.max(value, threshold) * 1.25 || 1;
  const at = (number) => (number / most) * 300;
  return draw("svg", { viewBox: "0 0 300 26", class: "limit", role: "img", "aria-label": words },
    draw("rect", { class: "allowed", x: 0, y: 8, width: at(threshold), height: 10 }),
    draw("rect", { class: "beyond", x: at(threshold), y: 8, width: 300 - at(threshold), height: 10 }),
    draw("line", { class: "threshold", x1: at(threshold), x2: at(threshold), y1: 3, y2: 23 }),
    draw("path", { class: "pointer", d: `M${at(value)} 20l-6 6h12z` }),
    draw("line", { class: "pointer", x1: at(value), x2: at(value), y1: 6, y2: 22 }));
}
