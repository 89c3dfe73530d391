// The client of @hey-api/openapi-ts: `node hey_api.js http://HOST:PORT CELLS NUCLEI`.

import { readFile } from "node:fs/promises";
import { report } from "./understood.js";

// example begins
import { createField, createPrediction } from "./generated/hey/index.js";
import { createClient } from "./generated/hey/client/index.js";

const client = createClient({ baseUrl: process.argv[2] });

function ask(image: Blob) {
  return createPrediction({ client, body: { image }, query: { method: "mc_dropout", seed: 7 } });
}

function askAboutField(image: File, nuclei: string) {
  return createField({ client, body: { image, nuclei }, query: { seed: 7 } });
}

// Each returns `{ data, error }`:
// `if (error) console.log(error.type, error.hint); else console.log(data.uncertainty)`
// example ends

const cells = process.argv[3] ?? "";
const image = new File([await readFile(`${cells}/hsil.png`)], "hsil.png");
const answer = (await ask(image)).data;
const refused = (await ask(new Blob([await readFile(`${cells}/README.md`)]))).error;
const field = (await askAboutField(image, process.argv[4] ?? "")).data;
report(answer, refused, field);
