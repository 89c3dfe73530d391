// openapi-fetch with the types of openapi-typescript:
// `node openapi_fetch.js http://HOST:PORT CELLS NUCLEI`.

import { readFile } from "node:fs/promises";
import { report } from "./understood.js";

// example begins
import createClient from "openapi-fetch";
import type { paths } from "./generated/schema.js";

const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: process.argv[2] });

function ask(image: Blob) {
  return client.POST("/v1/predictions", {
    params: { query: { method: "mc_dropout", seed: 7 } },
    body: "", // bytes are a string to these types: the serializer sends them
    bodySerializer: () => image,
    headers: { "Content-Type": "application/octet-stream" },
  });
}

function askAboutField(image: File, nuclei: string) {
  const form = new FormData();
  form.append("image", image);
  form.append("nuclei", nuclei);
  const query = { seed: 7 };
  return client.POST("/v1/fields", { params: { query }, body: { image: "", nuclei }, bodySerializer: () => form });
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
