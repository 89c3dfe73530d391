// The texts of the page: classes, methods, decisions, numbers.

const BETHESDA = {
  "NILM": "Negative for intraepithelial lesion or malignancy",
  "ASC-US": "Atypical squamous cells of undetermined significance",
  "LSIL": "Low-grade squamous intraepithelial lesion",
  "ASC-H": "Atypical squamous cells, cannot exclude HSIL",
  "HSIL": "High-grade squamous intraepithelial lesion",
  "SCC": "Squamous cell carcinoma",
};

const METHODS = {
  baseline: { name: "Single answer", how: "one run of the network", sample: "answer" },
  mc_dropout: { name: "Dropout", how: "several runs with random parts of the network off", sample: "answer" },
  ensemble: { name: "Ensemble", how: "several networks, trained separately", sample: "network" },
  tta: { name: "Augmented views", how: "several runs on turned, cropped and recoloured images", sample: "view" },
};

export const className = (label) => BETHESDA[label] ?? label;
export const methodName = (method) => METHODS[method]?.name ?? method;
export const methodHow = (method) => METHODS[method]?.how ?? "";
export const sampleName = (method) => METHODS[method]?.sample ?? "answer";

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/// A probability; never "0%" or "100%" for a value that is not certain.
export function percent(value) {
  if (value > 0 && value < 0.005) return "< 1%";
  if (value < 1 && value > 0.995) return "> 99%";
  return `${Math.round(value * 100)}%`;
}

export const number = (value) => (value === null || value === undefined ? "undefined" : value.toFixed(value !== 0 && Math.abs(value) < 0.1 ? 4 : 2));

export const isUnlike = (answer) => answer.decision.reasons.includes("out_of_distribution");

/// Whether a cell is called abnormal: an abnormal class is the most probable one, or the abnormal
/// classes together have a probability of at least one half. False for an image that is not a cell.
export const isAbnormal = (answer, labels) => !isUnlike(answer)
  && (labels[answer.prediction.index].abnormal || answer.prediction.abnormal_probability >= 0.5);

/// The call of a cell. The most probable class can be normal even if the abnormal classes together
/// are more probable.
export function called(answer, labels) {
  const { label, index, probability, abnormal_probability: together } = answer.prediction;
  if (!isAbnormal(answer, labels) || labels[index].abnormal) return { name: label, share: probability };
  return { name: "Abnormal, class unclear", share: together };
}

/// Accept or second look, with a sign that does not need colours. `state` is for the style: nothing
/// abnormal is green.
export function verdict(answer, labels) {
  const abnormal = isAbnormal(answer, labels);
  const { action, accepted_as: as } = answer.decision;
  const state = abnormal ? `${action} abnormal` : action;
  if (action === "refer") return { word: "Second look", sign: abnormal ? "▲" : "!", state };
  if (!abnormal) return { word: "Accept", sign: "✓", state };
  return { word: as === "abnormal" ? "Accepted as abnormal" : "Accepted, called abnormal", sign: "▲", state };
}

/// The classes that cannot be excluded, such as "HSIL or SCC"; null if the model has no such sets.
export function notExcluded({ prediction_set: set }) {
  if (!set) return null;
  const share = percent(set.confidence);
  return set.by_cell.length === 0 ? `No class fits well: each is excluded at ${share}.` : `Cannot be excluded at ${share}: ${set.by_cell.join(" or ")}.`;
}

const MEASURES = {
  predictive_entropy: "the uncertainty between all classes",
  abnormal_entropy: "the uncertainty between normal and abnormal",
  expected_entropy: "the mean uncertainty of the single answers",
  mutual_information: "the disagreement between the answers",
  variation_ratio: "the share of answers that name another class",
  variance: "the spread of the leading class",
};

export const measureName = (measure) => MEASURES[measure] ?? measure.replaceAll("_", " ");

const ACCEPTED = {
  accept_error_2_classes: "Certain enough about normal or abnormal. The promise is not about which abnormal class it is.",
  accept_error: "Certain enough about the class.",
  missed_abnormal: "Certain enough for a policy that misses few abnormal cells.",
  auto_clear: "Called normal, and certain enough for this policy.",
  clear_missed_abnormal: "Called normal, and certain enough for this policy.",
  clear_missed_high_grade: "Called normal, and certain enough for this policy.",
};

/// Why a cell was accepted or needs a second look, one sentence each.
export function reasons(answer, policy) {
  const { action, reasons: given } = answer.decision;
  if (action === "accept") return [ACCEPTED[policy?.kind] ?? "Certain enough for the chosen policy."];
  // For an image that is not a cell, the uncertainty does not matter.
  const told = isUnlike(answer) ? ["out_of_distribution"] : given;
  return told.map((reason) => REASONS[reason]?.(answer, policy) ?? reason.replaceAll("_", " "));
}

const REASONS = {
  out_of_distribution: (answer) => {
    const p = answer.ood?.p_value;
    const share = p === undefined ? "" : ` At most about ${Math.max(1, Math.ceil(p * 1000))} of a thousand known cells look as unusual.`;
    return `The image is unlike the cells the model was trained on.${share}`;
  },
  uncertain: (_, policy) => {
    if (policy && policy.threshold === null) return "The policy was calibrated on too few cells to promise anything, so it accepts nothing.";
    return policy ? `Too uncertain: ${measureName(policy.measure)} is above the limit.` : "Too uncertain.";
  },
  no_policy: () => "No policy was chosen, and the model has no default policy for this method.",
  abnormal: ({ prediction }) => `Called abnormal: the abnormal classes together have ${percent(prediction.abnormal_probability)}. A person has to look at it.`,
};

const WARNINGS = {
  crop_size: "This image does not have the size of the training cells, so nothing is promised. If it is a field, choose “a field of cells” above the image and mark the nuclei.",
  scale_assumed: "The scale of this field is unknown, and its width differs from that of the training fields. Set the width under “Settings”.",
};

export const warningInWords = ({ code, detail }) => WARNINGS[code] ?? detail;

/// The value of a measure in an answer; null if it is undefined.
export function measured(answer, measure) {
  const { uncertainty } = answer;
  const paper = measure.startsWith("paper_") ? uncertainty.paper[measure.slice("paper_".length)]?.value : undefined;
  return paper ?? uncertainty[measure] ?? null;
}
