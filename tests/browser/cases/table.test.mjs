// The table: what it shows follows from the address, and the address from what is pressed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { column, launch, made, matches, opened, says, settled } from '../browser.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const plain = (text) => text.replaceAll('\u202f', '');
const total = 2400;
const some = (what, settings) => opened(browser, made('some'), what, settings);
const counted = async (page, label) =>
  Number(plain(await page.locator(`#families a[data-family="${label}"] .count`).textContent()));

test('a filter shows its rows and no other', () =>
  some(async (page) => {
    const failed = await counted(page, 'failed');
    await page.locator('#families a[data-family=failed]').click();
    await says(page, `${failed} of ${total} rows`);
    const outcomes = await column(page, 'outcome');
    assert.equal(outcomes.length, failed);
    assert.ok(outcomes.every((text) => text.startsWith('failed ')));
    assert.equal(new URL(page.url()).hash, '#failed');
  }));

test('a reason narrows, and pressed again widens', () =>
  some(async (page) => {
    const reason = page.locator('#reasons a[data-reason=not_found]');
    await reason.click();
    assert.ok((await column(page, 'outcome')).every((text) => text === 'failed not_found'));
    assert.equal(await reason.getAttribute('aria-current'), 'true');
    await reason.click();
    await says(page, `${await counted(page, 'failed')} of ${total} rows`);
  }, { hash: '#failed' }));

test('counts and reasons above the table lead to their rows', () =>
  some(async (page) => {
    await page.getByRole('link', { name: /^Unknown/ }).click();
    await says(page, `${await counted(page, 'unknown')} of ${total} rows`);
    assert.ok(await page.locator('#rows').evaluate((section) => section === document.activeElement));
    await page.getByRole('link', { name: /ended failed, rejected/ }).click();
    await page.waitForFunction(() => location.hash === '#failed/rejected');
    await page.waitForFunction(() => document.querySelector('#rows').getBoundingClientRect().top < innerHeight / 2);
  }));

test('a link into the table works when the page is opened, and on the way back and forward', () =>
  some(async (page) => {
    const shown = async () => new Set(await column(page, 'outcome'));
    assert.deepEqual(await shown(), new Set(['failed not_found']));
    await page.locator('#families a[data-family=unknown]').click();
    await page.waitForFunction(() => document.querySelector('#body .outcome').textContent.startsWith('unknown'));
    await page.goBack();
    await page.waitForFunction(() => document.querySelector('#body .outcome').textContent.startsWith('failed'));
    assert.deepEqual(await shown(), new Set(['failed not_found']));
    await page.goForward();
    await page.waitForFunction(() => document.querySelector('#body .outcome').textContent.startsWith('unknown'));
  }, { hash: '#failed/not_found' }));

test('words, order and page are in the address too', () =>
  some(async (page) => {
    assert.equal(await page.locator('#search').inputValue(), 'example.com a');
    assert.equal(await page.locator('#page').textContent(), 'Page 2 of 24');
    const lines = (await column(page, 'line')).map(Number);
    assert.deepEqual(lines, [...lines].sort((a, b) => b - a));
  }, { hash: '#q=example.com%20a&sort=-line&page=2' }));

for (const hash of ['#nonsense', '#failed/nonsense', '#%', '#all&page=-3&sort=nonsense', '#constructor']) {
  test(`the address ${hash} does no harm`, () =>
    some(async (page) => assert.equal((await column(page, 'line')).length, 100), { hash }));
}

test('an address that is no text finds nothing and does no harm', () =>
  some(async (page) => assert.equal(await page.locator('#body').textContent(), 'No row is like that.'), { hash: '#q=%E0%A4%A' }));

test('an address beyond the last page shows the last page', () =>
  some(async (page) => assert.equal(await page.locator('#page').textContent(), 'Page 24 of 24'), { hash: '#all&page=99' }));

test('search finds addresses, ids and details, whatever their case', () =>
  some(async (page) => {
    const [email] = await column(page, 'email');
    const [id] = await column(page, 'user');
    for (const words of [email.toUpperCase(), id]) {
      await page.locator('#search').fill(words);
      await says(page, `1 of ${total} rows`);
      assert.deepEqual(await column(page, 'email'), [email]);
    }
    await page.locator('#search').fill('active account');
    await page.waitForFunction(() => document.querySelectorAll('#body tr').length > 1);
    assert.ok((await column(page, 'detail')).every((text) => text === 'the account is not active'));
    await page.waitForFunction(() => location.hash === '#all&q=active%20account');
    await page.locator('#search').fill('nobody has this');
    await says(page, `0 of ${total} rows`);
    assert.equal(await page.locator('#body').textContent(), 'No row is like that.');
  }));

test('every column sorts both ways', () =>
  some(async (page) => {
    const heads = await page.locator('#head th').count();
    assert.equal(heads, 10);
    for (let at = 0; at < heads; at += 1) {
      const head = page.locator('#head th').nth(at);
      const name = (await page.locator('#body tr').first().locator('> *').nth(at).getAttribute('class')).split(' ')[0];
      const seen = {};
      for (const way of ['ascending', 'descending']) {
        const before = await head.getAttribute('aria-sort');
        if (before !== way) await head.getByRole('button').click();
        await page.waitForFunction(
          ([at, way]) => document.querySelectorAll('#head th')[at].ariaSort === way, [at, way]);
        await settled(page);
        assert.equal(await page.locator('#head th:not([aria-sort=none])').count(), 1);
        seen[way] = await column(page, name);
      }
      ordered(name, seen);
    }
  }));

/** The first page up and the first page down, as far as the shown text tells. */
function ordered(name, { ascending, descending }) {
  const value = (text) => {
    if (text === '') return ['took', 'http'].includes(name) ? Infinity : '';
    if (name === 'took') return Number.parseFloat(text) * (text.endsWith(' ms') ? 1 : 1000);
    return ['line', 'http', 'tries'].includes(name) ? Number(text) : text;
  };
  if (['outcome', 'mfa'].includes(name)) return assert.notDeepEqual(ascending, descending);
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const [up, down] = [ascending.map(value), descending.map(value)];
  assert.deepEqual(up, [...up].sort(compare), `${name} ascending`);
  assert.deepEqual(down, [...down].sort((a, b) => compare(b, a)), `${name} descending`);
  assert.ok(compare(up[0], down[0]) <= 0, name);
}

test('what was filtered is sorted, and what was sorted is searched', () =>
  some(async (page) => {
    await page.locator('#head button', { hasText: 'E-mail' }).click();
    await page.locator('#search').fill('rossi');
    await page.waitForFunction(() => location.hash === '#failed&q=rossi&sort=email');
    const emails = await column(page, 'email');
    assert.ok(emails.length > 0 && emails.every((email) => email.includes('rossi')));
    assert.deepEqual(emails, [...emails].sort());
    assert.ok((await column(page, 'outcome')).every((text) => text.startsWith('failed')));
  }, { hash: '#failed' }));

test('all of it can be done with keys alone, and one sees where one is', () =>
  some(async (page) => {
    const where = () => page.evaluate(() => {
      const { id, tagName, textContent } = document.activeElement;
      return id || `${tagName} ${textContent.trim()}`;
    });
    const to = async (wanted) => {
      for (let presses = 0; presses < 60; presses += 1) {
        if (wanted.test(await where())) return;
        await page.keyboard.press('Tab');
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.equal(outline, 'solid', `${await where()} shows its focus`);
      }
      assert.fail(`no key leads to ${wanted}`);
    };
    await page.keyboard.press('Tab');
    assert.equal(await where(), 'A Skip to the rows');
    await page.keyboard.press('Enter');
    await to(/^search$/);
    await page.keyboard.type('okafor');
    await page.waitForFunction(() => document.querySelector('#status').textContent.includes('of'));
    await page.keyboard.press('Escape');
    await says(page, `${total} rows`);
    await to(/^A failed/);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#body .outcome').textContent.startsWith('failed'));
    assert.match(await where(), /^A failed/, 'the focus stays on what was pressed');
    await to(/^BUTTON E-mail/);
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelectorAll('#head th')[1].ariaSort === 'ascending');
    assert.match(await where(), /^BUTTON E-mail/);
  }));

test('pages turn, and say where one is', () =>
  some(async (page) => {
    await page.locator('#next').focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#page').textContent === 'Page 2 of 24');
    const [grid, first] = [page.locator('#grid'), page.locator('#body tr').first()];
    assert.equal(await grid.getAttribute('aria-rowcount'), String(total + 1));
    assert.equal(await first.getAttribute('aria-rowindex'), '102');
    assert.equal((await column(page, 'line'))[0], '102');
    await page.locator('#last').click();
    await page.waitForFunction(() => document.querySelector('#page').textContent === 'Page 24 of 24');
    assert.equal(await page.locator('#next').getAttribute('aria-disabled'), 'true');
    assert.equal(plain(await matches(page)), `${total} rows`);
  }));
