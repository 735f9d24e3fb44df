// A hundred thousand rows: what is in the page at a time stays small. That is asserted; times are printed, since
// a busy machine is no fault of the page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { column, launch, made, opened, says, settled } from '../browser.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const total = 100_000;

/** The processor time that the page's main thread takes for something, and the wait until it is seen. */
async function cost(page, what) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const worked = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  };
  const [begun, before] = [performance.now(), await worked()];
  await what();
  await settled(page);
  const [waited, took] = [performance.now() - begun, (await worked()) - before];
  await session.detach();
  return `${Math.round(took)} ms of work, seen after ${Math.round(waited)} ms`;
}

test('each interaction touches a page of rows, not all', async (context) => {
  const begun = performance.now();
  await opened(browser, made('many'), async (page) => {
    context.diagnostic(`opening: ${Math.round(performance.now() - begun)} ms until rows are seen`);
    await says(page, `${total} rows`);
    const bounded = async (what, doing) => {
      context.diagnostic(`${what}: ${await cost(page, doing)}`);
      assert.ok((await page.locator('#body tr').count()) <= 100, what);
      assert.ok((await page.locator('#grid *').count()) < 4_000, what);
    };
    const sort = (name, at, way) => async () => {
      await page.locator('#head button', { hasText: name }).click();
      await page.waitForFunction(([at, way]) => document.querySelectorAll('#head th')[at].ariaSort === way, [at, way]);
    };
    await bounded('sort by e-mail, at once', sort('E-mail', 1, 'ascending'));
    await bounded('sort by e-mail, down', sort('E-mail', 1, 'descending'));
    await bounded('search, at once', async () => {
      await page.locator('#search').fill('okafor');
      await page.waitForFunction(() => document.querySelector('#status').textContent.includes(' of '));
    });
    await bounded('search for one', async () => {
      await page.locator('#search').fill('99999@');
      await says(page, `1 of ${total} rows`);
    });
    assert.equal((await column(page, 'line'))[0], String(total + 1));
    await bounded('search no more', async () => {
      await page.locator('#search').fill('');
      await says(page, `${total} rows`);
    });
    await bounded('filter', async () => {
      await page.locator('#families a[data-family=failed]').click();
      await page.waitForFunction(() => location.hash.startsWith('#failed'));
    });
    await bounded('sort by user id', sort('User id', 4, 'ascending'));
    await bounded('the last page', () => page.locator('#last').click());
    await bounded('back to all', () => page.locator('#families a[data-family=""]').click());
    await bounded('sort by time', sort('Ended', 9, 'ascending'));
    await bounded('sort by detail', sort('Detail', 3, 'ascending'));
  });
});

test('typing fast ends with what was typed', () =>
  opened(browser, made('many'), async (page) => {
    await page.locator('#search').pressSequentially('okafor', { delay: 5 });
    await page.waitForFunction(() => location.hash === '#all&q=okafor');
    const emails = await column(page, 'email');
    assert.equal(emails.length, 100);
    assert.ok(emails.every((email) => email.includes('okafor')));
  }));
