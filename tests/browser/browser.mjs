// A browser, and pages in it that must not be in trouble: no error, no broken policy, no request.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../../target/browser/package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Chromium with a fresh profile, until the tests of a file are over. */
export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });

export const made = (name) => path.join(process.env.REPORT_PAGES, `${name}.html`);

/**
 * Opens a file, does something with it, and holds it to what is true of every page: it asked for nothing but
 * itself, broke no policy of its own and said no error.
 */
export async function opened(browser, file, what, { hash = '', ...settings } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 }, timezoneId: 'Asia/Kolkata', locale: 'en-GB', ...settings,
  });
  const [page, troubles] = [await context.newPage(), []];
  const url = pathToFileURL(file).href;
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('dialog', (dialog) => (troubles.push(`a dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on('request', (request) => {
    if (request.url().replace(/#.*/, '') !== url) troubles.push(`a request: ${request.url()}`);
  });
  try {
    await page.goto(url + hash);
    if (settings.javaScriptEnabled !== false) await settled(page);
    await what(page);
    assert.deepEqual(troubles, []);
  } finally {
    await context.close();
  }
}

/** Until the table shows what it was asked for. */
export const settled = (page) =>
  page.waitForFunction(() => document.querySelector('#grid')?.ariaBusy === 'false' && document.querySelector('#body tr'));

/** What the table shows, by column. */
export const column = (page, name) =>
  page.locator(`#body tr > .${name}`).evaluateAll((cells) => cells.map((cell) => cell.textContent));

export const matches = (page) => page.locator('#status').textContent();

/** Waits until the table says so. */
export const says = (page, text) =>
  page.waitForFunction((wanted) => document.querySelector('#status').textContent.replaceAll('\u202f', '') === wanted, text);

/** What axe finds wrong, in words. */
export async function violations(page) {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() => window.axe.run());
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`);
}
