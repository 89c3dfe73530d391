// The words of the page: classes, methods, decisions. Numbers for people.

const BETHESDA = {
  "NILM": "Negative for intraepithelial lesion or malignancy",
  "ASC-US": "Atypical squamous cells of undetermined significance",
  "LSIL": "Low-grade squamous intraepithelial lesion",
  "ASC-H": "Atypical squamous cells, cannot exclude HSIL",
  "HSIL": "High-grade squamous intraepithelial lesion",
  "SCC": "Squamous cell carcinoma",
};

const METHODS = {
  baseline: { name: "Single answer", how: "asked once", sample: "answer" },
  mc_dropout: { name: "Dropout", how: "asked again with parts switched off at random", sample: "answer" },
  ensemble: { name: "Ensemble", how: "several networks, trained apart", sample: "network" },
  tta: { name: "Augmented views", how: "shown the cell turned, cut and recoloured", sample: "view" },
};

export const className = (label) => BETHESDA[label] ?? label;
export const methodName = (method) => METHODS[method]?.name ?? method;
export const methodHow = (method) => METHODS[method]?.how ?? "";
export const sampleName = (method) => METHODS[method]?.sample ?? "answer";

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/// A probability; never "0%" or "100%" for what is not certain.
export function percent(value) {
  if (value > 0 && value < 0.005) return "< 1%";
  if (value < 1 && value > 0.995) return "> 99%";
  return `${Math.round(value * 100)}%`;
}

export const number = (value) => (value === null || value === undefined ? "undefined" : value.toFixed(value !== 0 && Math.abs(value) < 0.1 ? 4 : 2));

export const isUnlike = (answer) => answer.decision.reasons.includes("out_of_distribution");

/// Whether a cell is called abnormal: an abnormal class is the most probable one, or the abnormal classes together have at least one
/// half. Of an image that is no cell nothing is called.
export const isAbnormal = (answer, labels) => !isUnlike(answer)
  && (labels[answer.prediction.index].abnormal || answer.prediction.abnormal_probability >= 0.5);

/// What a cell is called. The most probable class may be a normal one where the abnormal classes together are not.
export function called(answer, labels) {
  const { label, index, probability, abnormal_probability: together } = answer.prediction;
  if (!isAbnormal(answer, labels) || labels[index].abnormal) return { name: label, share: probability };
  return { name: "Abnormal, class unclear", share: together };
}

/// Accept or second look, with a sign that does not need colours. `state` is for the style: nothing abnormal is green.
export function verdict(answer, labels) {
  const abnormal = isAbnormal(answer, labels);
  const { action, accepted_as: as } = answer.decision;
  const state = abnormal ? `${action} abnormal` : action;
  if (action === "refer") return { word: "Second look", sign: abnormal ? "▲" : "!", state };
  if (!abnormal) return { word: "Accept", sign: "✓", state };
  return { word: as === "abnormal" ? "Accepted as abnormal" : "Accepted, called abnormal", sign: "▲", state };
}

/// The classes that cannot be excluded, "HSIL or SCC"; null where the model has no such sets.
export function notExcluded({ prediction_set: set }) {
  if (!set) return null;
  const share = percent(set.confidence);
  return set.by_cell.length === 0 ? `No class fits well: each is excluded at ${share}.` : `Cannot be excluded at ${share}: ${set.by_cell.join(" or ")}.`;
}

const MEASURES = {
  predictive_entropy: "the doubt between all classes",
  abnormal_entropy: "the doubt between normal and abnormal",
  expected_entropy: "the mean doubt of the single answers",
  mutual_information: "what the answers disagree about",
  variation_ratio: "the share of answers that name another class",
  variance: "the spread of the leading class",
};

export const measureName = (measure) => MEASURES[measure] ?? measure.replaceAll("_", " ");

const ACCEPTED = {
  accept_error_2_classes: "Clear enough between normal and abnormal. Which of the abnormal classes it is, this does not promise.",
  accept_error: "Clear enough which class it is.",
  missed_abnormal: "Clear enough for a rule that misses few abnormal cells.",
  auto_clear: "Called normal, and sure enough for this rule.",
  clear_missed_abnormal: "Called normal, and sure enough for this rule.",
  clear_missed_high_grade: "Called normal, and sure enough for this rule.",
};

/// Why a cell was accepted or needs a second look, one sentence each.
export function reasons(answer, policy) {
  const { action, reasons: given } = answer.decision;
  if (action === "accept") return [ACCEPTED[policy?.kind] ?? "Clear enough for the rule that was asked for."];
  // Of what is no cell it does not matter how unsure the model is.
  const told = isUnlike(answer) ? ["out_of_distribution"] : given;
  return told.map((reason) => REASONS[reason]?.(answer, policy) ?? reason.replaceAll("_", " "));
}

const REASONS = {
  out_of_distribution: (answer) => {
    const p = answer.ood?.p_value;
    const share = p === undefined ? "" : ` Of a thousand known cells about ${Math.max(1, Math.ceil(p * 1000))} would look as unusual, or fewer.`;
    return `The image is unlike the cells the model was trained on.${share}`;
  },
  uncertain: (_, policy) => {
    if (policy && policy.threshold === null) return "Too few cells were measured to promise this of anything, so nothing is accepted.";
    return policy ? `Too unsure: ${measureName(policy.measure)} is above the limit.` : "Too unsure.";
  },
  no_policy: () => "No rule was chosen, and the model has none that may decide unasked.",
  abnormal: ({ prediction }) => `Called abnormal: the abnormal classes together have ${percent(prediction.abnormal_probability)}. A person has to look.`,
};

const WARNINGS = {
  crop_size: "This image does not have the size of the cells the model was trained on, so nothing is promised. If it is a field, say so above the image and set the nuclei.",
  scale_assumed: "Nobody said how large the pixels of this field are, and it does not have the width of the fields the model was trained on: see “How to ask”.",
};

export const warningInWords = ({ code, detail }) => WARNINGS[code] ?? detail;

/// The value of a measure in an answer; null where it is undefined.
export function measured(answer, measure) {
  const { uncertainty } = answer;
  const paper = measure.startsWith("paper_") ? uncertainty.paper[measure.slice("paper_".length)]?.value : undefined;
  return paper ?? uncertainty[measure] ?? null;
}
