// The image on the screen: nuclei that are added and removed with mouse or keyboard, and the result
// of each.

import { announce, find, make, show } from "./dom.js";
import { called, isUnlike, verdict } from "./words.js";

/// Distance in pixels of the screen within which a click means an existing nucleus.
const NEAR = 14;
const [STEP, FAR] = [0.01, 0.05];

export class Field {
  nuclei = [];
  #image = null;
  #edge = 0;
  #cross = { x: 0.5, y: 0.5 };
  #next = 1;

  /// `onChange` is called when a nucleus is added or removed, with the answer that is removed;
  /// `onReset` when all nuclei change; `onChoice` when a nucleus with an answer is clicked.
  constructor({ onChange, onReset, onChoice }) {
    Object.assign(this, { onChange, onReset, onChoice });
    const surface = find("surface");
    surface.addEventListener("click", (event) => this.#click(event));
    surface.addEventListener("keydown", (event) => this.#key(event));
  }

  open(image, edge) {
    this.#image = image;
    this.#edge = edge;
    this.nuclei = [];
    this.#next = 1;
    this.#cross = { x: 0.5, y: 0.5 };
    const picture = find("picture");
    if (image.bitmap) picture.src = image.url;
    else picture.removeAttribute("src");
    picture.alt = `The image ${image.name}`;
    show(find("viewport"), image.bitmap !== null);
    show(find("unshown"), image.bitmap === null);
    find("viewport").classList.toggle("small", image.bitmap !== null && image.width <= 400);
    this.draw();
  }

  /// Only a field has nuclei.
  setInteractive(isField) {
    const surface = find("surface");
    this.interactive = isField && this.#image?.bitmap !== null;
    if (this.interactive) {
      surface.tabIndex = 0;
      surface.setAttribute("role", "application");
      surface.setAttribute("aria-label", "Field. Arrow keys move the cross, with Shift in larger steps. Enter adds or removes a nucleus.");
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) surface.removeAttribute(name);
    }
    surface.classList.toggle("interactive", this.interactive);
    this.draw();
  }

  load(nuclei) {
    this.nuclei = nuclei.map((nucleus) => ({ ...nucleus, cell: null }));
    this.#next = this.nuclei.length + 1;
    this.draw();
    this.onReset();
  }

  removeLast() { this.#remove(this.nuclei.at(-1)); }
  removeAll() { this.load([]); }
  forget() { for (const nucleus of this.nuclei) nucleus.cell = null; this.draw(); }

  setEdge(edge) { this.#edge = edge; this.draw(); }

  choose(index) {
    this.chosen = index;
    this.draw();
  }

  #click(event) {
    if (!this.interactive) return;
    const marker = event.target.closest("button.nucleus");
    // The marker is redrawn, so the keyboard focus moves to the field.
    find("surface").focus({ preventScroll: true });
    if (marker) return this.#touch(this.nuclei[Number(marker.dataset.index)]);
    const box = find("picture").getBoundingClientRect();
    this.#set((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }

  /// Shows a nucleus with an answer; removes another one.
  #touch(nucleus) {
    if (nucleus.cell) this.onChoice(nucleus.cell.index);
    else this.#remove(nucleus);
  }

  #remove(nucleus) {
    this.nuclei = this.nuclei.filter((other) => other !== nucleus);
    announce(`Nucleus ${nucleus.id} removed. ${this.nuclei.length} in all.`);
    this.draw();
    this.onChange(nucleus.cell);
  }

  #set(x, y) {
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return;
    const taken = new Set(this.nuclei.map((nucleus) => nucleus.id));
    while (taken.has(String(this.#next))) this.#next += 1;
    this.nuclei.push({ id: String(this.#next), x: Math.round(x * this.#image.width * 10) / 10, y: Math.round(y * this.#image.height * 10) / 10, said: null, cell: null });
    announce(`Nucleus ${this.#next} added. ${this.nuclei.length} in all.`);
    this.draw();
    this.onChange(null);
  }

  #near() {
    const box = find("picture").getBoundingClientRect();
    const away = ({ x, y }) => Math.hypot((x / this.#image.width - this.#cross.x) * box.width, (y / this.#image.height - this.#cross.y) * box.height);
    const [closest] = [...this.nuclei].sort((left, right) => away(left) - away(right));
    return closest && away(closest) <= NEAR ? closest : null;
  }

  #key(event) {
    if (!this.interactive || event.target !== find("surface")) return;
    const step = event.shiftKey ? FAR : STEP;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    const near = this.#near();
    if (move) {
      const keep = (value) => Math.min(0.999, Math.max(0, value));
      this.#cross = { x: keep(this.#cross.x + move[0]), y: keep(this.#cross.y + move[1]) };
      this.draw();
      const here = this.#near();
      if (here && here !== near) announce(`At nucleus ${here.id}.`);
    } else if (event.key === "Enter" || event.key === " ") {
      if (near) this.#touch(near);
      else this.#set(this.#cross.x, this.#cross.y);
    } else if ((event.key === "Delete" || event.key === "Backspace") && near) this.#remove(near);
    else return;
    event.preventDefault();
  }

  draw() {
    const surface = find("surface");
    surface.querySelectorAll(".nucleus, .cross, .cut").forEach((element) => element.remove());
    if (!this.#image?.bitmap || !this.interactive) return;
    surface.append(...this.nuclei.map((nucleus, index) => this.#marker(nucleus, index)));
    const cross = make("span", { class: "cross", "aria-hidden": "true" });
    place(cross, this.#cross.x, this.#cross.y);
    surface.append(cross);
    const chosen = this.nuclei.find((nucleus) => nucleus.cell && nucleus.cell.index === this.chosen);
    if (chosen) surface.append(this.#cut(chosen));
  }

  #marker(nucleus, index) {
    const { state, sign, words } = look(nucleus);
    const isChosen = nucleus.cell && nucleus.cell.index === this.chosen;
    const marker = make("button", { type: "button", tabindex: "-1", class: `nucleus ${state}${isChosen ? " chosen" : ""}`, "data-index": index, "aria-label": `Nucleus ${nucleus.id}: ${words}` }, isChosen ? "" : sign);
    place(marker, nucleus.x / this.#image.width, nucleus.y / this.#image.height);
    return marker;
  }

  /// The square that was cropped around the chosen nucleus.
  #cut(nucleus) {
    const cut = make("span", { class: "cut", "aria-hidden": "true" });
    place(cut, nucleus.x / this.#image.width, nucleus.y / this.#image.height);
    cut.style.width = `${(100 * this.#edge) / this.#image.width}%`;
    cut.style.height = `${(100 * this.#edge) / this.#image.height}%`;
    return cut;
  }
}

function place(element, x, y) {
  element.style.left = `${(100 * x).toFixed(3)}%`;
  element.style.top = `${(100 * y).toFixed(3)}%`;
}

/// The look of a nucleus: form and sign, not colour alone.
function look({ cell }) {
  if (!cell) return { state: "open", sign: "", words: "not classified yet; click to remove" };
  if (!cell.prediction) return { state: "failed", sign: "×", words: "no answer" };
  const { word, sign, state } = verdict(cell.prediction, cell.labels);
  const call = isUnlike(cell.prediction) ? "unlike the training cells" : called(cell.prediction, cell.labels).name;
  return { state, sign, words: `${call}, ${word.toLowerCase()}` };
}
