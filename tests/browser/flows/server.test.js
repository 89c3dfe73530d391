// A server that refuses, needs a key, or is stopped.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import http from "node:http";
import { after, before, test } from "node:test";

import { TABLE, answered, check, launch, openExample, openField, visit } from "../browser.js";
import { copyOfModel, newKey, startServer } from "../server.js";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

/// A server for one test.
async function withServer(settings, work) {
  const server = await startServer(settings);
  try { await work(server); } finally { await server.stop(); }
}

test("key is requested and kept in the tab", () => {
  const { key, entry } = newKey();
  return withServer({ ACCESS__KEYS: `[${entry}]` }, async (server) => {
    const page = await visit(browser, server.url, { refusals: true });
    await page.getByRole("heading", { name: "This server needs an API key" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "key-value");
    await check(page, "key");
    await page.getByLabel("API key", { exact: true }).fill("wrong");
    await page.getByRole("button", { name: "Use this key" }).click();
    await page.getByText("This API key is unknown.").waitFor();
    await check(page, "key-wrong");
    await page.getByLabel("API key", { exact: true }).fill(key);
    await page.keyboard.press("Enter");
    await page.locator("#key").waitFor({ state: "hidden" });
    await openExample(page, "A cell labelled NILM");
    await answered(page);
    assert.ok(!page.url().includes(key));
    await page.reload();
    await page.locator("#method option").first().waitFor({ state: "attached" });
    assert.equal(await page.locator("#key").isVisible(), false);
    const another = await visit(browser, server.url, { refusals: true });
    await another.locator("#key").waitFor();
  });
});

test("policy without certificate is shown", async () => {
  const models = copyOfModel("cric-lite0", (manifest) => manifest.replaceAll(/^\[calibration\.\w+\.policies\.certificate\]\n(?:\w+ = .*\n)+/gm, "").replaceAll(/^default_policy = .*\n/gm, ""));
  try {
    await withServer({ MODELS__DIRECTORY: models }, async (server) => {
      const { policies } = await (await fetch(`${server.url}/v1/models/cric-lite0`)).json();
      assert.ok(policies.length > 0 && policies.every((policy) => policy.certificate === null && !policy.default));
      const page = await visit(browser, server.url);
      await openExample(page, "A cell labelled NILM");
      await answered(page);
      const unasked = await page.locator(".verdict").innerText();
      assert.ok(unasked.includes("Second look") && unasked.includes("No policy was chosen"), unasked);
      await page.locator("#settings summary").click();
      await page.locator("#policy").selectOption("auto_clear_10");
      await page.getByRole("button", { name: "Classify this cell" }).click();
      await answered(page);
      const verdict = await page.locator(".verdict").innerText();
      assert.ok(verdict.includes("Accept") && verdict.includes("Promise: of the cells accepted"), verdict);
      assert.ok(!verdict.includes("measured on"), verdict);
      await check(page, "by-hand");
    });
  } finally {
    rmSync(models, { recursive: true });
  }
});

test("impossible keys are refused", () => {
  const { key, entry } = newKey();
  return withServer({ ACCESS__KEYS: `[${entry}]` }, async (server) => {
    const page = await visit(browser, server.url, { refusals: true });
    const field = page.getByLabel("API key", { exact: true });
    for (const wrong of [`${key}ß`, `“${key}”`, `${key} x`]) {
      await field.fill(wrong);
      await page.keyboard.press("Enter");
      await page.locator("#key-why").getByText("This is not an API key").waitFor();
      assert.equal(await page.locator("#problem").isVisible(), false);
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
      assert.equal(await page.evaluate(() => document.activeElement.id), "key-value");
    }
    await check(page, "key-impossible");
    await field.fill(key);
    await page.keyboard.press("Enter");
    await page.locator("#key").waitFor({ state: "hidden" });
    await page.locator("#method option").first().waitFor({ state: "attached" });
  });
});

test("page works below a path", () => withServer({}, async (server) => {
  const to = new URL(server.url);
  const proxy = http.createServer((request, response) => {
    if (!request.url.startsWith("/lab/")) return response.writeHead(404).end();
    const target = { host: to.hostname, port: to.port, path: request.url.slice("/lab".length), method: request.method, headers: request.headers };
    request.pipe(http.request(target, (answer) => { response.writeHead(answer.statusCode, answer.headers); answer.pipe(response); }));
  });
  await new Promise((resolve) => { proxy.listen(0, "127.0.0.1", resolve); });
  try {
    const page = await visit(browser, `http://127.0.0.1:${proxy.address().port}/lab/`);
    await openExample(page, "A field with ten nuclei");
    await answered(page);
    await check(page, "below-a-path");
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
}));

test("server refusals are shown", () => withServer({ LIMITS__MAX_CELLS: "3" }, async (server) => {
  const page = await visit(browser, server.url, { refusals: true });
  await openField(page);
  await page.setInputFiles("#table", TABLE);
  await page.getByRole("button", { name: "Classify 10 cells" }).click();
  const alert = page.locator("#problem");
  await alert.getByText("There are 10 nuclei, at most 3 are accepted.").waitFor();
  await check(page, "refused");
  for (let count = 0; count < 7; count += 1) await page.getByRole("button", { name: "Remove last" }).click();
  await page.getByRole("button", { name: "Classify 3 cells" }).click();
  await answered(page);
  assert.equal(await alert.isVisible(), false);
}));

test("rate limit shows the wait", () => {
  const { key, entry } = newKey();
  const slow = entry.replace("requests_per_minute = 0, burst = 0", "requests_per_minute = 1, burst = 3");
  assert.notEqual(slow, entry);
  return withServer({ ACCESS__KEYS: `[${slow}]` }, async (server) => {
    const page = await visit(browser, server.url, { refusals: true });
    await page.getByLabel("API key", { exact: true }).fill(key);
    await page.keyboard.press("Enter");
    // The list of models, the first model, and the cell: the fourth request exceeds the rate.
    await openExample(page, "A cell labelled NILM");
    await answered(page);
    await page.getByRole("button", { name: "Classify this cell" }).click();
    await page.locator("#problem").getByText(/Try again in \d+ s\./).waitFor();
    assert.equal(await page.locator("#stop").isVisible(), false);
    await check(page, "too-often");
  });
});

test("broken connection keeps answers", () => withServer({}, async (server) => {
  const page = await visit(browser, server.url, { refusals: true });
  await openField(page);
  await page.setInputFiles("#table", TABLE);
  await page.locator("#settings summary").click();
  await page.getByLabel("Add augmented views of every cell (slower)").check();
  await page.getByRole("button", { name: "Classify 10 cells" }).click();
  await page.locator("#list [role=option]").first().waitFor();
  await server.stop();
  await page.getByRole("heading", { name: "The connection broke" }).waitFor();
  const there = await page.locator("#list [role=option]").count();
  assert.ok(there >= 1 && there < 10, `${there} cells`);
  await page.locator("#problem").getByText(`The server answered ${there} of 10 cells.`).waitFor();
  await page.locator("#problem").getByText("To classify the rest, classify all cells again.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Classify 10 cells" }).isEnabled(), true);
  await check(page, "broken");
}));

test("stopped server keeps nuclei", () => withServer({}, async (server) => {
  const page = await visit(browser, server.url, { refusals: true });
  await openField(page);
  await page.setInputFiles("#table", TABLE);
  const ask = page.getByRole("button", { name: "Classify 10 cells" });
  await ask.waitFor();
  await server.stop();
  await ask.click();
  await page.getByRole("heading", { name: "The server cannot be reached" }).waitFor();
  assert.equal(await page.locator("button.nucleus").count(), 10);
  assert.equal(await ask.isEnabled(), true);
  await check(page, "gone");
}));
