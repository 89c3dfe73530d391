// The page: opens an image, sends it to the server and shows the answers. The other modules do not
// know each other; this one connects them.

import { announce, find, show } from "./dom.js";
import * as server from "./ask.js";
import * as settings from "./settings.js";
import { showCell } from "./cell.js";
import { nuclei as readTable } from "./csv.js";
import { listExamples } from "./examples.js";
import { Field } from "./field.js";
import { askForKey } from "./key.js";
import { looksLikeCell, open } from "./opened.js";
import { Problem, hideProblem, showProblem } from "./problems.js";
import { plural } from "./words.js";
import { Worklist, describe, summarise } from "./worklist.js";

let image = null;
let said = null;
let running = null;
let touched = false;

const worklist = new Worklist((cell) => {
  touched = true;
  field.choose(cell.index);
  showCell(cell, about());
});
const field = new Field({ onChange: nucleusChanged, onReset: startOver, onChoice: (index) => worklist.choose(index) });

const isField = () => document.querySelector("input[name=kind]:checked")?.value === "field";
const about = () => ({ image, model: settings.model(), edge: settings.cropEdge(), policyOf: settings.policyOf, askForViews });

/// Runs something that may fail, and shows how it failed. If a key is missing, asks for it and
/// tries again.
async function attempt(work) {
  hideProblem();
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError") return;
    const problem = error instanceof Problem ? error : new Problem({ title: "Error in this page", detail: String(error.message), hint: "Reload the page." });
    if (problem.status === 401 || problem.status === 403) askForKey(problem, () => attempt(work));
    else showProblem(problem);
  }
}

/// Loads the model, which every request needs.
async function ready() {
  if (!settings.model()) await settings.load();
}

function openImage(blob, name, { expert = null, table = null } = {}) {
  return attempt(async () => {
    await ready();
    const opened = await open(blob, name);
    close();
    [image, said] = [opened, expert];
    show(find("start"), false);
    show(find("work"));
    find("stage-title").textContent = name;
    find("width").value = "";
    field.open(image, settings.cropEdge());
    setKind(table !== null || !looksLikeCell(image, settings.cropEdge()) && image.bitmap !== null ? "field" : "cell");
    if (table !== null) field.load(readTable(table, name));
    if (!isField() || table !== null) await ask();
    else announce(`${name} is open. Mark the nuclei.`);
  });
}

function openExample(example) {
  return attempt(async () => {
    const blob = await server.ownFile(example.file);
    const table = example.table ? await (await server.ownFile(example.table)).text() : null;
    await openImage(blob, example.file, { expert: example.said ?? null, table });
  });
}

/// A file that was chosen, dropped or pasted: an image, or a table for the open image.
function openFile(file) {
  if (!file) return;
  if (image && /\.csv$/i.test(file.name)) openTable(file);
  else openImage(file, file.name || "pasted image");
}

function openTable(file) {
  return attempt(async () => {
    const nuclei = readTable(await file.text(), image.name);
    setKind("field");
    field.load(nuclei);
    announce(`${nuclei.length} nuclei loaded.`);
  });
}

function setKind(kind) {
  document.querySelector(`input[name=kind][value=${kind}]`).checked = true;
  field.setInteractive(kind === "field");
  settings.showScale(kind === "field");
  show(find("nucleus-tools"), kind === "field");
  startOver();
}

/// Removes answers that no longer fit the image or the settings.
function startOver() {
  halt();
  forgetAnswers();
  labelButtons();
}

/// The settings have changed.
function askedOtherwise() {
  if (!image) return;
  field.setEdge(settings.cropEdge());
  startOver();
}

function takeModel() {
  return attempt(async () => {
    try {
      await settings.choose(find("model").value);
      askedOtherwise();
    } finally {
      find("model").value = settings.model().name;
    }
  });
}

/// A nucleus was added or removed. The answers of the others stay.
function nucleusChanged(removed) {
  halt();
  if (removed) worklist.remove(removed);
  if (worklist.cells.length > 0) writeSummary(field.nuclei.length);
  else forgetAnswers();
  labelButtons();
}

function labelButtons() {
  const count = field.nuclei.length;
  const button = find("ask");
  button.textContent = !isField() ? "Classify this cell" : count === 0 ? "Classify" : `Classify ${plural(count, "cell")}`;
  button.disabled = running !== null || (isField() && count === 0);
  for (const id of ["undo", "clear"]) find(id).disabled = count === 0;
  find("hint").textContent = !isField() ? "" : count === 0
    ? "Click each nucleus, or load a table of nuclei (CSV). With the keyboard: arrow keys and Enter on the image."
    : worklist.cells.length > 0
      ? "Click a nucleus to see its cell. Click elsewhere to add a nucleus."
      : "Click a nucleus again to remove it.";
}

function forgetAnswers() {
  worklist.clear();
  touched = false;
  field.forget();
  field.choose(null);
  find("cell").replaceChildren();
  find("summary").replaceChildren();
  show(find("results"), false);
}

/// Cancels the running request.
function halt() {
  running?.abort();
  setRunning(null);
}

function setRunning(controller) {
  running = controller;
  show(find("stop"), controller !== null);
  show(find("progress"), controller !== null);
  labelButtons();
  find("results").setAttribute("aria-busy", String(controller !== null));
}

/// Classifies the open image.
async function ask() {
  forgetAnswers();
  const controller = new AbortController();
  setRunning(controller);
  show(find("results"));
  try {
    await (isField() ? askField(controller.signal) : askCell(controller.signal));
  } finally {
    if (running === controller) setRunning(null);
    labelButtons();
    if (running === null && worklist.cells.length === 0) show(find("results"), false);
  }
}

async function askCell(signal) {
  find("bar").removeAttribute("value");
  announce("Classifying this cell.");
  const prediction = await server.askAboutCell(image.blob, settings.cellQuery(), signal);
  const cell = { index: 0, id: null, place: null, said, labels: settings.model().labels, prediction, problem: null };
  worklist.add(cell, about());
  worklist.choose();
  announce(describe(cell, settings.model().labels));
}

async function askField(signal) {
  const asked = [...field.nuclei];
  const [bar, shown] = [find("bar"), about()];
  bar.max = asked.length;
  bar.value = 0;
  announce(`Classifying ${plural(asked.length, "cell")}.`);
  const onCell = (line) => {
    if (signal.aborted) return;
    const nucleus = asked[line.index];
    nucleus.cell = toCell(line, nucleus);
    worklist.add(nucleus.cell, shown);
    bar.value += 1;
    field.draw();
    writeSummary(asked.length);
  };
  try {
    await server.askAboutField({ image: image.blob, name: image.name, nuclei: asked, query: settings.fieldQuery(), signal, onCell });
  } finally {
    if (!touched && worklist.cells.length > 0) worklist.choose();
  }
  announce(`${plural(asked.length, "cell")} in all. ${summarise(worklist.cells, settings.model().labels).join(". ")}.`);
}

const toCell = (line, nucleus) => ({ index: line.index, id: nucleus.id, place: { x: nucleus.x, y: nucleus.y }, said: nucleus.said, labels: settings.model().labels, prediction: line.prediction, problem: line.problem });

function writeSummary(asked) {
  const cells = worklist.cells;
  const all = cells.length === asked;
  const sentence = (text, tag) => Object.assign(document.createElement(tag), { textContent: `${text}.` });
  const [first, ...others] = summarise(cells, settings.model().labels);
  const counted = all ? `${plural(asked, "cell")} in all` : `${cells.length} of ${plural(asked, "cell")} answered`;
  find("summary").replaceChildren(sentence(all ? first : `So far ${first.charAt(0).toLowerCase()}${first.slice(1)}`, "strong"), " ", sentence([...others, counted].join("; "), "span"));
}

/// Requests the augmented views of one cell of a field. The seed is derived from the image and the
/// position, so the rest of the answer stays the same.
function askForViews(cell) {
  return attempt(async () => {
    const button = find("ask-views");
    button.disabled = true;
    button.textContent = "Loading…";
    const nuclei = [{ id: cell.id, ...cell.place }];
    let problem = null;
    const onCell = (line) => {
      problem = line.problem;
      cell.prediction = line.prediction ?? cell.prediction;
    };
    try {
      await server.askAboutField({ image: image.blob, name: image.name, nuclei, query: settings.fieldQuery({ pictures: true }), onCell });
      if (problem) throw new Problem(problem);
    } finally {
      if (worklist.chosen === cell) showCell(cell, about());
    }
    announce("The augmented views are shown.");
  });
}

function close() {
  if (image) URL.revokeObjectURL(image.url);
  image = null;
}

function startAgain() {
  halt();
  forgetAnswers();
  close();
  hideProblem();
  show(find("work"), false);
  show(find("start"));
  find("file").focus();
}

function listen() {
  const takeFile = (event) => { openFile(event.target.files[0]); event.target.value = ""; };
  find("file").addEventListener("change", takeFile);
  find("table").addEventListener("change", (event) => { openTable(event.target.files[0]); event.target.value = ""; });
  document.addEventListener("paste", (event) => openFile([...event.clipboardData.files][0]));
  document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
  document.addEventListener("drop", (event) => { event.preventDefault(); document.body.classList.remove("dragging"); openFile(event.dataTransfer.files[0]); });
  document.querySelectorAll("input[name=kind]").forEach((radio) => radio.addEventListener("change", () => setKind(radio.value)));
  find("ask").addEventListener("click", () => attempt(ask));
  find("stop").addEventListener("click", () => { halt(); announce("Stopped."); });
  find("undo").addEventListener("click", () => field.removeLast());
  find("clear").addEventListener("click", () => field.removeAll());
  find("zoom").addEventListener("click", () => find("zoom").setAttribute("aria-pressed", String(find("viewport").classList.toggle("full"))));
  find("another").addEventListener("click", startAgain);
  find("model").addEventListener("change", takeModel);
  find("method").addEventListener("change", () => { settings.listPolicies(); askedOtherwise(); });
  find("policy").addEventListener("change", settings.showCaveat);
  for (const id of ["policy", "width"]) find(id).addEventListener("change", askedOtherwise);
  find("cell").addEventListener("keydown", (event) => { if (event.key === "Escape") find("list").querySelector("[tabindex='0']")?.focus(); });
}

listExamples(openExample);
listen();
attempt(ready);
