// The examples that come with the page.

import { find, make } from "./dom.js";

const EXAMPLES = [
  { file: "smear.jpg", table: "smear.csv", title: "A field with ten nuclei", size: "wide" },
  { file: "nilm.png", said: "NILM", title: "A cell labelled NILM" },
  { file: "lsil.png", said: "LSIL", title: "A cell labelled LSIL" },
  { file: "hsil.png", said: "HSIL", title: "A cell labelled HSIL" },
];

export function listExamples(onChoice) {
  const item = (example) => {
    const picture = make("img", { src: `page/${example.file}`, alt: "", class: example.size ?? "square", decoding: "async" });
    const button = make("button", { type: "button", class: "example", onclick: () => onChoice(example) }, picture, make("span", {}, example.title));
    return make("li", {}, button);
  };
  find("examples").replaceChildren(...EXAMPLES.map(item));
}
