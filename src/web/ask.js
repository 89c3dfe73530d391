// Requests to the server. Paths are relative to the page, so that it also works below a path of a
// proxy.

import { headers } from "./key.js";
import { Problem, problemOf, unreachable } from "./problems.js";

const address = (path) => new URL(path, document.baseURI);

async function send(path, options = {}) {
  let response;
  try {
    response = await fetch(address(path), { ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

const json = async (path) => (await send(path)).json();

export const models = async () => (await json("v1/models")).models;
export const model = (name) => json(`v1/models/${encodeURIComponent(name)}`);

/// A file of the page.
export const ownFile = async (name) => (await send(`page/${name}`)).blob();

/// Classifies one cell with all methods of the query.
export async function askAboutCell(image, query, signal) {
  // The server detects the format from the first bytes; a browser does not know the type of every
  // file.
  const type = image.type.startsWith("image/") ? image.type : "image/png";
  const options = { method: "POST", body: image, headers: { "Content-Type": type }, signal };
  return (await send(`v1/predictions?${query}`, options)).json();
}

/// Classifies the cells of a field. `onCell` gets each one as it finishes.
export async function askAboutField({ image, name, nuclei, query, signal, onCell }) {
  const form = new FormData();
  form.append("image", image, name);
  form.append("nuclei", JSON.stringify(nuclei.map(({ id, x, y }) => ({ id, x, y }))));
  const options = { method: "POST", body: form, headers: { Accept: "application/x-ndjson" }, signal };
  const response = await send(`v1/fields?${query}`, options);
  let answered = 0;
  for await (const line of lines(response)) {
    onCell(JSON.parse(line));
    answered += 1;
  }
  if (answered < nuclei.length) throw broken(answered, nuclei.length);
}

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      if (error.name === "AbortError") throw error;
      return { done: true };
    });
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts.filter((part) => part.trim() !== "");
  }
}

const broken = (answered, all) => new Problem({
  title: "The connection broke",
  detail: `The server answered ${answered} of ${all} cells.`,
  hint: "These answers are shown. To classify the rest, classify all cells again.",
});
