// Opens pages in a real browser and checks them: no error in the console, no violation of
// accessibility rules.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

import { ROOT } from "./server.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
/// The folder for screenshots of every state; none are made without it.
const PICTURES = process.env.PICTURES ? path.resolve(ROOT, process.env.PICTURES) : null;

export const launch = () => chromium.launch({ executablePath: EXECUTABLE });

export const file = (name) => path.join(ROOT, name);
export const FIELD = file("examples/fields/smear.jpg");
export const TABLE = file("examples/fields/smear.csv");

/// Opens the page. With `refusals`, the console's lines about refused requests are no errors.
export async function visit(browser, url, { refusals = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    const refused = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !(refusals && refused)) errors.push(message.text());
  });
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  await page.evaluate(AXE);
  return Object.assign(page, { errors });
}

/// Checks the state of a page: nothing in the console, no violation, nothing wider than the window.
/// Takes a screenshot of it.
export async function check(page, name) {
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
  assert.deepEqual(violations, [], name);
  assert.ok(found.passes.length > 10, "axe looked at something");
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= window, `${name}: ${content} px in a window of ${window} px`);
  assert.deepEqual(page.errors, [], name);
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}

export const openExample = (page, title) => page.getByRole("button", { name: title }).click();
export const openFile = (page, input) => page.setInputFiles("#file", input);

/// The example field without nuclei.
export async function openField(page) {
  await openFile(page, FIELD);
  await page.locator("#ask").waitFor();
}

/// Waits until everything is answered.
export async function answered(page) {
  await page.locator("#cell .head").waitFor();
  await page.locator("#stop").waitFor({ state: "hidden" });
}

/// The position on the screen of a position on the field.
export async function onScreen(page, x, y) {
  const box = await page.locator("#picture").boundingBox();
  const width = await page.locator("#picture").evaluate((image) => image.naturalWidth);
  const scale = box.width / width;
  return [box.x + x * scale, box.y + y * scale];
}

/// A photograph from the data if they are there, else a screenshot of the page.
export async function photograph(page) {
  const folder = file("../shared/data/ood");
  if (existsSync(folder)) {
    const dog = readdirSync(folder).find((name) => name.includes("Chihuahua"));
    return path.join(folder, dog);
  }
  const buffer = await page.screenshot({ clip: { x: 0, y: 0, width: 224, height: 224 } });
  return { name: "photograph.png", mimeType: "image/png", buffer };
}
