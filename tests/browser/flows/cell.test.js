// One cell: an example, a photograph, and files that are not images.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { answered, check, file, launch, openExample, openFile, photograph, visit } from "../browser.js";
import { startServer } from "../server.js";

let server, browser;
before(async () => { [server, browser] = await Promise.all([startServer(), launch()]); });
after(async () => { await browser?.close(); await server?.stop(); });

const percent = (value) => `${Math.round(value * 100)}%`;

test("example cell shows answer, spread and methods", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A cell labelled HSIL");
  await answered(page);
  const query = "method=mc_dropout&compare=baseline&compare=ensemble&compare=tta";
  const response = await fetch(`${server.url}/v1/predictions?${query}`, { method: "POST", body: readFileSync(file("examples/cells/hsil.png")), headers: { "Content-Type": "image/png" } });
  const answer = await response.json();
  const { label, probability } = answer.prediction;
  const verdict = await page.locator(".verdict").innerText();
  assert.ok(verdict.startsWith(label), verdict);
  assert.ok(verdict.includes(`${percent(probability)} probable`), verdict);
  assert.ok(verdict.includes(answer.decision.action === "accept" ? "Accept" : "Second look"), verdict);
  assert.ok(verdict.includes("The experts of the data set labelled it HSIL"), verdict);
  assert.equal(await page.locator("svg.spread circle").count(), 6 * answer.samples.used);
  const words = await page.locator("svg.spread").getAttribute("aria-label");
  assert.match(words, new RegExp(`^Of ${answer.samples.used} answers, .*The probability of ${label} ranges from \\d+% to \\d+%\\.$`));
  const rows = await page.locator(".methods tbody tr").allInnerTexts();
  assert.equal(rows.length, 4);
  const methods = ["Single answer", "Dropout", "Ensemble", "Augmented views"];
  const of = [answer.comparisons[0], answer, answer.comparisons[1], answer.comparisons[2]];
  rows.forEach((row, at) => {
    assert.ok(row.startsWith(methods[at]), row);
    assert.ok(row.includes(`${of[at].prediction.label} ${percent(of[at].prediction.probability)}`), row);
  });
  assert.equal(await page.locator(".view-list li").count(), answer.comparisons[2].samples.used);
  const edges = await page.locator(".view-list img").evaluateAll((all) => all.map((image) => image.naturalWidth));
  assert.deepEqual(edges, Array(answer.comparisons[2].samples.used).fill(128));
  await page.getByText("All numbers, for your records").click();
  assert.ok((await page.locator("#cell").innerText()).includes(answer.uncertainty.mutual_information.toFixed(4)));
  await check(page, "cell");
});

for (const [name, options] of Object.entries({
  "cell-dark": { colorScheme: "dark" },
  "cell-390": { viewport: { width: 390, height: 844 } },
  "cell-390-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  "cell-zoom-200": { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
})) {
  test(`cell is readable: ${name}`, async () => {
    const page = await visit(browser, server.url, options);
    await openExample(page, "A cell labelled LSIL");
    await answered(page);
    await check(page, name);
  });
}

test("photograph gets no class", async () => {
  const page = await visit(browser, server.url);
  await openFile(page, await photograph(page));
  await answered(page);
  const shown = await page.locator("#cell").innerText();
  assert.ok(shown.includes("This does not look like the cells that the model was trained on"), shown);
  assert.ok(shown.includes("Second look"), shown);
  for (const label of ["NILM", "ASC", "LSIL", "HSIL", "SCC", "intraepithelial"]) assert.ok(!shown.includes(label), shown);
  await check(page, "photograph");
  await page.getByText("Show the numbers anyway").click();
  await check(page, "photograph-numbers");
});

test("image can be dropped and pasted", async () => {
  const page = await visit(browser, server.url);
  const bytes = readFileSync(file("examples/cells/nilm.png")).toString("base64");
  const give = (kind, name) => page.evaluate(([kind, name, bytes]) => {
    const data = new DataTransfer();
    const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    data.items.add(new File([content], name, { type: "image/png" }));
    const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true }) : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
    document.body.dispatchEvent(event);
  }, [kind, name, bytes]);
  for (const [kind, name] of [["drop", "dropped.png"], ["paste", "pasted.png"]]) {
    await give(kind, name);
    await page.getByRole("heading", { name }).waitFor();
    await answered(page);
    assert.ok((await page.locator(".verdict").innerText()).startsWith("NILM"));
  }
  assert.deepEqual(page.errors, []);
});

test("image that cannot be shown is answered", async () => {
  const page = await visit(browser, server.url);
  await openFile(page, file("tests/fixtures/imaging/cmyk.tif"));
  await answered(page);
  await page.getByText("Your browser cannot show this kind of image.").waitFor();
  await check(page, "unshown");
});

test("broken and wrong files are refused", async () => {
  const page = await visit(browser, server.url, { refusals: true });
  const alert = page.locator("#problem");
  await openFile(page, { name: "letter.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7") });
  await alert.getByText("letter.pdf is not a JPEG, PNG, TIFF, BMP or WebP image.").waitFor();
  await check(page, "no-image");
  await openFile(page, { name: "nothing.png", mimeType: "image/png", buffer: Buffer.alloc(0) });
  await alert.getByText("nothing.png has no content.").waitFor();
  await openFile(page, file("tests/fixtures/bad_inputs/jpeg_truncated_half.jpg"));
  await alert.getByRole("heading", { name: "The image cannot be decoded" }).waitFor();
  assert.match(await alert.innerText(), /Request 01[0-9A-Z]{24}/);
  await check(page, "undecodable");
  await page.getByRole("button", { name: "Open another image" }).click();
  assert.equal(await alert.isVisible(), false);
  await openExample(page, "A cell labelled NILM");
  await answered(page);
});
