// Reports of real runs against the sandbox: the page says what the other files say.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { column, launch, opened, violations } from '../browser.mjs';

const HOSTILE = [
  '"<script>alert(1)</script>"@example.com', '"</script><img/src=x/onerror=alert(1)>"@example.com',
  '=1+1@example.com', '{{7*7}}@example.com', 'a&b@example.com', 'مريم@example.com',
];
const PASSWORD = 'kenwbcT3*PdJpcfD';
const PHONE = '+1 555 010-0100';

let [browser, run] = [];
before(async () => {
  browser = await launch();
  run = made(['<img src=x onerror=alert(1)>', 'missing.person@example.com', 'liam.lopez@example.com', ...HOSTILE]);
});
after(() => browser.close());

/** A run of these addresses: its page, its counts, and what each row came to. */
function made(emails) {
  const folder = mkdtempSync(path.join(process.env.REPORT_WORK, 'run-'));
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const lines = emails.map((email) => `${cell(email)},${PASSWORD},${PHONE}\n`);
  writeFileSync(path.join(folder, 'in.csv'), `email,password,mfa_phone\n${lines.join('')}`);
  const words = ['run', '--sandbox', '--skip-bad-rows', '--rate', 'unlimited', '--run-dir', 'run', 'in.csv'];
  const { status, stderr } = spawnSync(process.env.SCIM_REKEY_BIN, words, { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 3, stderr);
  const file = (name) => path.join(folder, 'run', name);
  return { page: file('report.html'), summary: JSON.parse(readFileSync(file('summary.json'), 'utf8')) };
}

test('the page of a real run says what its summary says', () =>
  opened(browser, run.page, async (page) => {
    const { summary } = run;
    for (const [family, rows] of Object.entries(summary.outcomes)) {
      const tile = page.locator(`.tiles .${family} .count`);
      if (await tile.count()) assert.equal(await tile.textContent(), String(rows), family);
      else assert.equal(rows, 0, family);
    }
    assert.equal(await page.locator('.hash').textContent(), summary.audit_head);
    assert.match(await page.title(), new RegExp(`^${summary.run_id} `));
    for (const [reason, rows] of Object.entries(summary.reasons).filter(([reason]) => /^(failed|unknown)/.test(reason))) {
      await page.locator(`.reasons a[href="#${reason}"]`).click();
      await page.waitForFunction((wanted) => document.querySelectorAll('#body .outcome').length === wanted, rows);
    }
    assert.equal(await page.locator('.plot .failed').count() > 0, true);
  }));

test('a real run of hostile addresses shows them as they are', () =>
  opened(browser, run.page, async (page) => {
    const emails = await column(page, 'email');
    for (const email of HOSTILE) assert.ok(emails.includes(email), email);
    assert.equal(await page.locator('img').count(), 0);
    assert.deepEqual(await violations(page), []);
  }));

test('no password and no phone is in the page of a real run', () => {
  const text = readFileSync(run.page, 'utf8');
  for (const secret of [PASSWORD, PHONE, '5550100100', '555010']) assert.ok(!text.includes(secret), secret);
});
