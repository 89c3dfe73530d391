// The page as it opens, and its files.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { check, launch, visit } from "../browser.js";
import { startServer } from "../server.js";

let server, browser;
before(async () => { [server, browser] = await Promise.all([startServer(), launch()]); });
after(async () => { await browser?.close(); await server?.stop(); });

test("empty page says what to do", async () => {
  const page = await visit(browser, server.url);
  await page.getByText("Drop a field of cells or a single cell here").waitFor();
  await page.getByText("A suggestion, not a diagnosis.").waitFor();
  assert.equal(await page.locator("#examples button").count(), 4);
  assert.equal(await page.locator("#results").isVisible(), false);
  await check(page, "empty");
});

test("page loads only from its server", async () => {
  const asked = [];
  const page = await visit(browser, "about:blank");
  page.on("request", (request) => asked.push(request.url()));
  const response = await page.goto(server.url);
  const policy = response.headers()["content-security-policy"];
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
    assert.ok(policy.split("; ").includes(rule), `${rule} in ${policy}`);
  }
  assert.ok(!policy.includes("unsafe"), policy);
  await page.locator("#method option").first().waitFor({ state: "attached" });
  assert.ok(asked.length > 10);
  for (const url of asked) assert.ok(url.startsWith(server.url), url);
  assert.deepEqual(page.errors, []);
});

test("keyboard reaches every control", async () => {
  const page = await visit(browser, server.url);
  const names = [];
  for (let step = 0; step < 7; step += 1) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim()));
  }
  assert.deepEqual(names, ["Skip to the image", "API documentation", "file", "A field with ten nuclei", "A cell labelled NILM", "A cell labelled LSIL", "A cell labelled HSIL"]);
  await page.getByRole("button", { name: "A cell labelled LSIL" }).focus();
  const style = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(style, "solid");
});

for (const [name, options] of Object.entries({
  "empty-dark": { colorScheme: "dark" },
  "empty-390": { viewport: { width: 390, height: 844 } },
  "empty-390-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  "empty-zoom-200": { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
  "empty-forced-colors": { forcedColors: "active", reducedMotion: "reduce" },
})) {
  test(`page is readable: ${name}`, async () => {
    await check(await visit(browser, server.url, options), name);
  });
}
