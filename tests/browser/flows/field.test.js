// A field: the example, nuclei from clicks or from a table, and keyboard navigation in the list.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { FIELD, TABLE, answered, check, file, launch, onScreen, openExample, openField, visit } from "../browser.js";
import { copyOfModel, startServer } from "../server.js";

let server, browser;
before(async () => { [server, browser] = await Promise.all([startServer(), launch()]); });
after(async () => { await browser?.close(); await server?.stop(); });

const options = (page) => page.locator("#list [role=option]");
const texts = (page) => options(page).allTextContents();
const markers = (page) => page.locator("button.nucleus");

/// The page's call for a cell of the server's worklist. NILM can be the most probable class of an
/// abnormal cell.
const calledIn = ({ label, abnormal_probability: share }) => (label === "NILM" && share >= 0.5 ? "Abnormal, class unclear" : label);

/// The server's whole answer for the example field.
async function whole() {
  const form = new FormData();
  form.append("image", new Blob([readFileSync(FIELD)]), "smear.jpg");
  form.append("nuclei", readFileSync(TABLE, "utf8"));
  return (await fetch(`${server.url}/v1/fields?method=mc_dropout`, { method: "POST", body: form })).json();
}

test("example field is listed as by the server", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  const { summary, cells } = await whole();
  assert.ok(summary.referred > 0 && summary.accepted > 0, "the example shows both");
  const listed = await texts(page);
  assert.equal(listed.length, cells.length);
  summary.worklist.forEach((entry, at) => {
    assert.ok(listed[at].startsWith(`Cell ${entry.id}: ${calledIn(entry)}`) && listed[at].endsWith("Second look"), listed[at]);
  });
  for (const rest of listed.slice(summary.referred)) assert.ok(rest.endsWith("Accept"), rest);
  const words = await page.locator("#summary").innerText();
  assert.ok(words.startsWith(`${summary.referred} cells need a second look; most severe among them: ${summary.most_severe_referred}.`), `${words} / ${summary.most_severe_referred}`);
  assert.ok(words.includes(`${summary.accepted} accepted as normal`), words);
  assert.equal(await page.locator("button.nucleus.refer").count(), summary.referred);
  assert.equal(await page.locator("button.nucleus.accept").count(), summary.accepted);
  assert.ok((await page.locator("#live").innerText()).startsWith("10 cells in all."));
  await check(page, "field");
});

test("accepted abnormal cells are not green", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  await page.locator("#settings summary").click();
  await page.locator("#policy").selectOption("accept_error_2_classes_10");
  await page.getByRole("button", { name: "Classify 10 cells" }).click();
  await answered(page);
  const { labels } = await (await fetch(`${server.url}/v1/models/cric-lite0`)).json();
  const form = new FormData();
  form.append("image", new Blob([readFileSync(FIELD)]), "smear.jpg");
  form.append("nuclei", readFileSync(TABLE, "utf8"));
  const path = "/v1/fields?method=mc_dropout&policy=accept_error_2_classes_10";
  const { summary, cells } = await (await fetch(server.url + path, { method: "POST", body: form })).json();
  const abnormal = ({ prediction: { prediction: { index, abnormal_probability: share } } }) => labels[index].abnormal || share >= 0.5;
  const accepted = cells.filter((cell) => cell.prediction.decision.action === "accept" && abnormal(cell));
  assert.ok(accepted.length > 0, "the policy accepts abnormal cells of this field");
  assert.ok(accepted.every(({ id }) => summary.worklist.some((entry) => entry.id === id)));
  const listed = await texts(page);
  summary.worklist.forEach((entry, at) => assert.ok(listed[at].startsWith(`Cell ${entry.id}: ${calledIn(entry)}`), listed[at]));
  for (const { id } of accepted) assert.ok(listed.some((text) => text.startsWith(`Cell ${id}:`) && text.endsWith("Accepted as abnormal")), id);
  const colours = (selector) => page.locator(selector).evaluateAll((all) => all.map((one) => [one.dataset.index, getComputedStyle(one).backgroundColor, getComputedStyle(one).color]));
  const isGreen = (colour) => { const [red, green, blue] = colour.match(/[\d.]+/g).map(Number); return green > red && green > blue; };
  const markersOfAbnormal = (await colours("button.nucleus")).filter(([index]) => abnormal(cells[index]));
  assert.ok(markersOfAbnormal.length >= accepted.length);
  for (const [index, ground] of markersOfAbnormal) assert.ok(!isGreen(ground), `${index}: ${ground}`);
  for (const [, ground, ink] of await colours(".badge.abnormal")) assert.ok(!isGreen(ground) && !isGreen(ink), `${ground} ${ink}`);
  assert.match(await page.locator("#summary").innerText(), /\d+ accepted, \d+ of them called abnormal/);
  await check(page, "field-accepted-as-abnormal");
});

test("summary says how many are answered", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  const before = await page.locator("#summary").innerText();
  assert.ok(before.includes("10 cells in all"), before);
  await page.mouse.click(...await onScreen(page, 900, 60));
  const after = await page.locator("#summary").innerText();
  assert.ok(after.startsWith("So far ") && after.includes("10 of 11 cells answered"), after);
});

test("abnormal cell is not called NILM", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  const { cells } = await whole();
  const unclear = cells.find(({ prediction: { prediction } }) => prediction.label === "NILM" && prediction.abnormal_probability >= 0.5);
  assert.ok(unclear, "the example has such a cell");
  await options(page).filter({ hasText: `Cell ${unclear.id}` }).click();
  const verdict = await page.locator(".verdict").innerText();
  assert.equal(verdict.split("\n")[0], "Abnormal, class unclear", verdict);
  await check(page, "cell-class-unclear");
});

test("summary counts cells without an answer", async () => {
  const page = await visit(browser, server.url);
  await openField(page);
  await page.setInputFiles("#table", { name: "one.csv", mimeType: "text/csv", buffer: Buffer.from("cell_id,nucleus_x,nucleus_y\n1,4000,300\n") });
  await page.getByRole("button", { name: "Classify 1 cell" }).click();
  await answered(page);
  const words = await page.locator("#summary").innerText();
  assert.ok(words.startsWith("1 cell has no answer: a person has to look."), words);
  assert.ok(!words.includes("No cell needs"), words);
  await check(page, "field-without-an-answer");
});

test("changed settings need a new answer", async () => {
  const other = "cric-lite0-narrow";
  const narrow = (manifest) => manifest.replace('name = "cric-lite0"', `name = "${other}"`).replace("crop_edge_px = 140", "crop_edge_px = 93");
  const folder = copyOfModel("cric-lite0", (manifest) => manifest);
  const two = await startServer({ MODELS__DIRECTORY: copyOfModel("cric-lite0", narrow, other, folder) });
  const page = await visit(browser, two.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  await page.locator("#settings summary").click();
  const [results, model, method, cut] = ["#results", "#model", "#method", ".cut"].map((name) => page.locator(name));
  const edge = async () => (await cut.boundingBox()).width;
  let before = await edge();
  const changes = [
    [() => model.selectOption(other), 93 / 140],
    [() => method.selectOption("ensemble"), 1],
    [() => page.getByLabel(/^Width of the whole field/).fill("2560"), 2],
  ];
  for (const [change, ratio] of changes) {
    await change();
    await page.keyboard.press("Tab");
    await results.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Classify 10 cells" }).click();
    await answered(page);
    assert.equal(await options(page).count(), 10);
    const now = await edge();
    assert.ok(Math.abs(now / before - ratio) < 0.05, `${now} px instead of ${ratio} × ${before} px`);
    before = now;
  }
  assert.deepEqual([await model.inputValue(), await method.inputValue()], [other, "ensemble"]);
  await check(page, "field-otherwise");
  await two.stop();
});

test("augmented views can be added", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  const before = await page.locator(".methods tbody tr").allInnerTexts();
  assert.equal(before.length, 3);
  await page.getByRole("button", { name: "Add augmented views of this cell" }).click();
  await page.locator(".methods tbody tr").nth(3).waitFor();
  const now = await page.locator(".methods tbody tr").allInnerTexts();
  assert.deepEqual(now.slice(0, 3), before);
  const views = await page.locator(".view-list li").count();
  assert.ok(views >= 2);
  assert.equal(await page.locator(".view-list img").count(), views);
  assert.equal(await page.locator("#ask-views").count(), 0);
  await check(page, "field-views");
});

test("refused views leave the answer", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  const problem = { type: "urn:secondlook:problem:busy", title: "Too much work is waiting", status: 503, detail: "there is no room for this cell", hint: "ask again in a while", request_id: "of-the-views" };
  const line = JSON.stringify({ index: 0, id: "1", prediction: null, problem });
  await page.route("**/v1/fields?*", (route) => route.fulfill({ contentType: "application/x-ndjson", body: `${line}\n` }));
  const ask = page.getByRole("button", { name: "Add augmented views of this cell" });
  await ask.click();
  await page.locator("#problem").getByText("There is no room for this cell.").waitFor();
  assert.notEqual(await page.locator("#live").innerText(), "The augmented views are shown.");
  assert.equal(await ask.isEnabled(), true);
  assert.equal(await page.locator(".methods tbody tr").count(), 3);
  await check(page, "field-views-refused");
});

test("table without an image is refused", async () => {
  const page = await visit(browser, server.url);
  await openField(page);
  await page.getByRole("button", { name: "Open another image" }).click();
  const text = readFileSync(TABLE, "utf8");
  await page.evaluate((content) => {
    const data = new DataTransfer();
    data.items.add(new File([content], "smear.csv", { type: "text/csv" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
  }, text);
  await page.locator("#problem").getByText("Open an image first. You can load a table of nuclei (CSV) after that.").waitFor();
  assert.equal(await markers(page).count(), 0);
  await openField(page);
  await page.setInputFiles("#table", TABLE);
  await page.getByRole("button", { name: "Classify 10 cells" }).waitFor();
});

test("list works with the keyboard", async () => {
  const page = await visit(browser, server.url);
  await openExample(page, "A field with ten nuclei");
  await answered(page);
  const stops = () => options(page).evaluateAll((all) => all.filter((option) => option.tabIndex === 0).length);
  const here = () => options(page).evaluateAll((all) => all.findIndex((option) => option === document.activeElement));
  const chosen = () => options(page).evaluateAll((all) => all.findIndex((option) => option.getAttribute("aria-selected") === "true"));
  const title = () => page.locator("#cell-title").innerText();
  assert.equal(await chosen(), 0);
  await page.locator("#list [tabindex='0']").focus();
  for (const [key, place] of [["j", 1], ["ArrowDown", 2], ["k", 1], ["ArrowUp", 0], ["ArrowUp", 0], ["End", 9], ["j", 9], ["PageUp", 4], ["Home", 0], ["j", 1]]) {
    await page.keyboard.press(key);
    assert.deepEqual([await here(), await chosen(), await stops()], [place, place, 1], key);
    const label = (await texts(page))[place];
    assert.ok(label.startsWith(`${await title()}:`), label);
  }
  assert.equal(await page.locator("button.nucleus.chosen").count(), 1);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "cell-title");
  await page.keyboard.press("Escape");
  assert.equal(await here(), 1);
  await check(page, "field-walked");
});

test("nuclei are edited with the mouse", async () => {
  const page = await visit(browser, server.url);
  await openField(page);
  const ask = page.locator("#ask");
  assert.ok(await ask.isDisabled());
  await check(page, "field-without-nuclei");
  for (const [x, y] of [[400, 300], [700, 500], [200, 400]]) await page.mouse.click(...await onScreen(page, x, y));
  assert.equal(await markers(page).count(), 3);
  await markers(page).nth(1).click();
  assert.equal(await markers(page).count(), 2);
  await page.mouse.click(...await onScreen(page, 900, 200));
  await page.getByRole("button", { name: "Remove last" }).click();
  assert.equal(await ask.innerText(), "Classify 2 cells");
  await check(page, "field-clicked");
  await ask.click();
  await answered(page);
  assert.equal(await options(page).count(), 2);
  await markers(page).nth(1).click();
  assert.equal(await page.locator("#cell-title").innerText(), "Cell 3");
  await page.getByRole("button", { name: "Full size" }).click();
  assert.equal((await page.locator("#picture").boundingBox()).width, 1280);
  await page.mouse.click(...await onScreen(page, 300, 60));
  assert.equal(await markers(page).count(), 3);
  assert.equal(await options(page).count(), 2, "the other answers stay");
  await page.getByRole("button", { name: "Remove last" }).click();
  await page.getByRole("button", { name: "Remove last" }).click();
  assert.equal(await options(page).count(), 1, "an answer goes with its nucleus");
  await check(page, "field-answered");
});

test("nuclei are edited with the keyboard", async () => {
  const page = await visit(browser, server.url);
  await openField(page);
  await page.locator("#surface").focus();
  for (const key of ["ArrowRight", "ArrowDown", "Enter", "Shift+ArrowLeft", "Shift+ArrowUp", " "]) await page.keyboard.press(key);
  assert.equal(await markers(page).count(), 2);
  assert.equal(await page.locator("#live").innerText(), "Nucleus 2 added. 2 in all.");
  await page.keyboard.press("Delete");
  assert.equal(await markers(page).count(), 1);
  await check(page, "field-keyboard");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  assert.equal(await markers(page).count(), 1);
  await page.locator("#ask").click();
  await answered(page);
  assert.equal(await options(page).count(), 1);
});

test("table loads nuclei and names mistakes", async () => {
  const page = await visit(browser, server.url);
  await openField(page);
  const table = (text) => page.setInputFiles("#table", { name: "cells.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await page.setInputFiles("#table", TABLE);
  await page.getByRole("button", { name: "Classify 10 cells" }).waitFor();
  const alert = page.locator("#problem");
  await table("id,x,y\n1,2,3\n");
  await alert.getByText("The table has no column cell_id.").waitFor();
  await check(page, "table-refused");
  await table("image_filename,cell_id,nucleus_x,nucleus_y\na.jpg,1,2,3\nb.jpg,2,2,3\n");
  await alert.getByText("but none of smear.jpg.").waitFor();
  await table("cell_id,nucleus_x,nucleus_y\n1,left,3\n");
  await alert.getByText("Line 2: the position is not a number.").waitFor();
  await table('\uFEFFimage_filename,cell_id,bethesda_system,nucleus_x,nucleus_y\r\nsmear.jpg,"a, ""b""",LSIL,400,300\r\nsmear.jpg,beside,LSIL,4000,300\r\nother.jpg,c,SCC,1,1\r\n');
  await page.getByRole("button", { name: "Classify 2 cells" }).click();
  await answered(page);
  const labels = await texts(page);
  assert.ok(labels.includes("Cell beside: No answer. The nucleus is outside the field"), labels.join());
  assert.ok(labels.some((label) => label.startsWith('Cell a, "b":')), labels.join());
  await options(page).filter({ hasText: "beside" }).click();
  await page.locator("#cell").getByText("No answer").waitFor();
  await check(page, "table");
});

test("long field can be stopped", async () => {
  const page = await visit(browser, server.url);
  await openField(page);
  // With all views of each cell, so that even a fast server can be stopped before it is done.
  await page.locator("#settings summary").click();
  await page.locator("#all-methods").check();
  const rows = Array.from({ length: 600 }, (_, at) => `${at},${100 + (at % 30) * 35},${100 + Math.floor(at / 30) * 40}`);
  await page.setInputFiles("#table", { name: "many.csv", mimeType: "text/csv", buffer: Buffer.from(["cell_id,nucleus_x,nucleus_y", ...rows].join("\n")) });
  await page.getByRole("button", { name: "Classify 600 cells" }).click();
  await options(page).first().waitFor();
  assert.ok(await page.locator("#bar").isVisible());
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator("#bar").waitFor({ state: "hidden" });
  const count = await options(page).count();
  assert.ok(count > 0 && count < 600, `${count}`);
  assert.match(await page.locator("#summary").innerText(), /^So far .* of 600 cells answered\.$/);
  await options(page).first().click();
  await page.locator("#cell .head").waitFor();
  assert.deepEqual(page.errors, []);
  if (count < 60) await check(page, "field-stopped");
});

for (const [name, settings] of Object.entries({
  "field-dark": { colorScheme: "dark" },
  "field-390": { viewport: { width: 390, height: 844 } },
  "field-390-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  "field-zoom-200": { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
  "field-forced-colors": { forcedColors: "active", reducedMotion: "reduce" },
})) {
  test(`field is readable: ${name}`, async () => {
    const page = await visit(browser, server.url, settings);
    await openExample(page, "A field with ten nuclei");
    await answered(page);
    await check(page, name);
  });
}
