// The list of cells, the most severe call first, with keyboard navigation (a listbox with a roving
// tab stop).

import { find, make, show } from "./dom.js";
import { thumbnail } from "./opened.js";
import { strip } from "./plot.js";
import { cellName } from "./cell.js";
import { called, isAbnormal, isUnlike, percent, plural, verdict } from "./words.js";

const THUMBNAIL = 96;

/// The levels of `decision.triage`, in the order in which a person looks.
const TRIAGE = ["high_grade", "abnormal", "unlike", "unsure", "accepted"];

/// The rank of a cell, as in the server's worklist. A cell without an answer comes after the unlike
/// ones.
function rank(cell, labels) {
  if (!cell.prediction) return [TRIAGE.indexOf("unlike"), 1, 0, 0];
  const { prediction: { abnormal_probability: abnormal }, probabilities, uncertainty, decision } = cell.prediction;
  const highGrade = probabilities.reduce((sum, { probability }, index) => sum + (labels[index].high_grade ? probability : 0), 0);
  return [TRIAGE.indexOf(decision.triage), -highGrade, -abnormal, -uncertainty.predictive_entropy];
}

/// A person looks at every cell that is called abnormal, even if a policy accepts it.
const needsLook = (answer, labels) => answer.decision.action === "refer" || isAbnormal(answer, labels);

function before(left, right) {
  const at = left.rank.findIndex((value, place) => value !== right.rank[place]);
  return at < 0 ? left.cell.index < right.cell.index : left.rank[at] < right.rank[at];
}

export class Worklist {
  #entries = [];
  #chosen = null;

  constructor(onChoice) {
    this.onChoice = onChoice;
    find("list").addEventListener("keydown", (event) => this.#key(event));
  }

  clear() {
    this.#entries = [];
    this.#chosen = null;
    find("list").replaceChildren();
  }

  get chosen() { return this.#chosen?.cell ?? null; }
  get cells() { return this.#entries.map((entry) => entry.cell); }

  /// Inserts a cell. The rest of the list and the keyboard focus stay where they are.
  add(cell, about) {
    const entry = { cell, rank: rank(cell, about.model.labels), option: this.#option(cell, about) };
    const at = this.#entries.findIndex((other) => before(entry, other));
    const next = at < 0 ? null : this.#entries[at];
    find("list").insertBefore(entry.option, next?.option ?? null);
    this.#entries.splice(at < 0 ? this.#entries.length : at, 0, entry);
    if (!this.#chosen) this.#mark(this.#entries[0]);
    show(find("list-side"), cell.place !== null);
  }

  /// Removes a cell.
  remove(cell) {
    const gone = this.#entries.find((entry) => entry.cell === cell);
    if (!gone) return;
    gone.option.remove();
    this.#entries = this.#entries.filter((entry) => entry !== gone);
    if (this.#chosen !== gone) return;
    this.#chosen = null;
    this.choose();
  }

  /// Chooses the cell with this index, or the first.
  choose(index = null) {
    const entry = index === null ? this.#entries[0] : this.#entries.find((other) => other.cell.index === index);
    if (entry) this.#choose(entry, false);
  }

  #option(cell, about) {
    const option = make("div", { role: "option", tabindex: "-1", "aria-selected": "false", onclick: () => this.#choose(this.#entries.find((entry) => entry.option === option), true) },
      thumbnail(about.image, cell.place, about.edge, THUMBNAIL),
      make("span", { class: "words" }, words(cell, about.model.labels)));
    return option;
  }

  #mark(entry) {
    for (const { option } of this.#entries) {
      option.tabIndex = option === entry.option ? 0 : -1;
    }
  }

  #choose(entry, focus) {
    this.#chosen?.option.setAttribute("aria-selected", "false");
    this.#chosen = entry;
    entry.option.setAttribute("aria-selected", "true");
    this.#mark(entry);
    if (focus) entry.option.focus();
    entry.option.scrollIntoView({ block: "nearest" });
    this.onChoice(entry.cell);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#entries.length - 1;
    const here = this.#entries.findIndex((entry) => entry.option === document.activeElement);
    const target = { ArrowDown: here + 1, j: here + 1, ArrowUp: here - 1, k: here - 1, Home: 0, End: last, PageDown: here + 5, PageUp: here - 5, " ": here }[event.key];
    if (event.key === "Enter") {
      this.#choose(this.#entries[Math.max(0, here)], false);
      find("cell-title")?.focus();
    } else if (target === undefined) return;
    else this.#choose(this.#entries[Math.min(last, Math.max(0, target))], true);
    event.preventDefault();
  }
}

/// The text of an entry; the punctuation is for screen readers.
function words(cell, labels) {
  const pause = (sign) => make("span", { class: "unseen" }, `${sign} `);
  const name = [make("span", { class: "quiet" }, cellName(cell)), pause(":")];
  if (!cell.prediction) return [name, make("b", {}, "No answer"), pause("."), make("span", {}, cell.problem.title)].flat();
  const answer = cell.prediction;
  const { word, sign, state } = verdict(answer, labels);
  const badge = make("span", { class: `badge ${state}` }, make("span", { "aria-hidden": "true" }, `${sign} `), word);
  if (isUnlike(answer)) return [name, make("b", {}, "Unlike the training cells"), pause("."), badge].flat();
  const { name: call, share } = called(answer, labels);
  return [name, make("span", {}, make("b", {}, call), ` ${percent(share)}`), strip(answer), pause("."), badge].flat();
}

/// The same as a sentence.
export function describe(cell, labels) {
  const name = cellName(cell);
  if (!cell.prediction) return `${name}: no answer. ${cell.problem.title}.`;
  const answer = cell.prediction;
  const { word } = verdict(answer, labels);
  if (isUnlike(answer)) return `${name}: does not look like the cells that the model was trained on. ${word}.`;
  const { name: call, share } = called(answer, labels);
  return `${name}: ${call}, ${percent(share)}. ${word}.`;
}

/// Summary of all cells. It has no average over cells.
export function summarise(cells, labels) {
  const answered = cells.filter((cell) => cell.prediction);
  const toLookAt = answered.filter((cell) => needsLook(cell.prediction, labels));
  const known = toLookAt.filter((cell) => !isUnlike(cell.prediction));
  // The most severe class of these cells, as in the server's summary. A cell may be called abnormal
  // without a class.
  const worst = (some) => {
    const label = (cell) => labels[cell.prediction.prediction.index];
    const key = (cell) => [label(cell).abnormal, isAbnormal(cell.prediction, labels), label(cell).severity ?? 0].map(Number);
    const ranked = some.map((cell) => ({ cell, rank: key(cell).map((value) => -value) }));
    const most = ranked.reduce((best, other) => (best && before(best, other) ? best : other), null);
    return most ? called(most.cell.prediction, labels).name : null;
  };
  const accepted = answered.filter((cell) => cell.prediction.decision.action === "accept");
  const abnormal = accepted.filter((cell) => isAbnormal(cell.prediction, labels));
  const failed = cells.length - answered.length;
  const has = (count, one, many) => `${plural(count, "cell")} ${count === 1 ? one : many}`;
  const most = (some) => (worst(some) ? `; most severe among them: ${worst(some)}` : "");
  const looks = toLookAt.length > 0 ? `${has(toLookAt.length, "needs", "need")} a second look${most(known)}` : null;
  const unanswered = failed > 0 ? `${has(failed, "has", "have")} no answer: a person has to look` : null;
  const asAbnormal = `, ${abnormal.length} of them called abnormal${most(abnormal)}`;
  const asNormal = accepted.length > 0 && accepted.every((cell) => cell.prediction.decision.accepted_as === "normal") ? " as normal" : "";
  return [
    looks ?? unanswered ?? "No cell needs a second look",
    `${accepted.length} accepted${abnormal.length > 0 ? asAbnormal : asNormal}`,
    looks ? unanswered : null,
  ].filter(Boolean);
}
