// The page as a whole: for every eye and ear, on paper, without JavaScript, and with hostile text in it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { column, launch, made, opened, settled, violations } from '../browser.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** The rows of one outcome are enough to look at, and a tenth of the work. */
const PAGES = { some: '#unknown', well: '', stopped: '#failed', nothing: '' };

for (const colorScheme of ['light', 'dark']) {
  for (const [name, hash] of Object.entries(PAGES)) {
    test(`axe finds nothing wrong: ${name}, ${colorScheme}`, () =>
      opened(browser, made(name), async (page) => {
        if (name === 'well') await page.locator('details').evaluate((details) => (details.open = true));
        assert.deepEqual(await violations(page), []);
      }, { colorScheme, hash }));
  }
  test(`axe finds nothing wrong: filtered and narrow, ${colorScheme}`, () =>
    opened(browser, made('some'), async (page) => assert.deepEqual(await violations(page), []), {
      colorScheme, hash: '#failed/not_found', viewport: { width: 360, height: 740 },
    }));
}

test('dark is dark and light is light', async () => {
  for (const [colorScheme, dark] of [['light', false], ['dark', true]]) {
    await opened(browser, made('well'), async (page) => {
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(Number(ground.match(/\d+/)[0]) < 60, dark);
    }, { colorScheme });
  }
});

test('hostile text is text', () =>
  opened(browser, made('some'), async (page) => {
    const emails = await column(page, 'email');
    for (const text of ['</script><script>alert(1)</script>', '<!--<script>', '<img src=x onerror=alert(1)>@example.com',
      `"'&amp;{{ 7 * 7 }}{% raw %}`, '=1+1@example.com']) {
      assert.ok(emails.includes(text), text);
    }
    assert.equal(await page.locator('img, script:not(body > script:last-of-type)').count(), 0);
  }));

test('nothing that is put into the page later can run, load or become markup', () =>
  opened(browser, made('some'), async (page) => {
    const refused = await page.evaluate(async () => {
      const broken = [];
      document.addEventListener('securitypolicyviolation', (event) => broken.push(event.effectiveDirective));
      try {
        document.body.innerHTML += '<p>';
      } catch {
        broken.push('innerHTML');
      }
      const image = document.createElement('img');
      image.src = 'https://example.com/x.png';
      const script = document.createElement('script');
      try {
        script.textContent = 'window.ran = 1';
      } catch {
        broken.push('script');
      }
      document.body.append(image, script);
      await new Promise((resume) => setTimeout(resume, 50));
      return [broken, window.ran];
    }).catch((error) => error.message);
    assert.equal(refused[1], undefined);
    for (const what of ['innerHTML', 'script', 'img-src']) assert.ok(refused[0].includes(what), `${what}: ${refused}`);
  }).then(
    () => assert.fail('the policy says nothing'),
    // What was tried is in the list of troubles: the browser said that it refused.
    (error) => assert.match(error.message, /Content Security Policy|TrustedHTML|trusted/i),
  ));

test('without JavaScript everything but the table is there, and says so', () =>
  opened(browser, made('some'), async (page) => {
    assert.ok(await page.getByText('needs JavaScript, which is off here').isVisible());
    assert.ok(await page.locator('.plot').isVisible());
    assert.equal(await page.locator('.tiles li').count(), 6);
    assert.ok(await page.locator('.reasons li').count() > 2);
    for (const hidden of ['#search', '#grid', '.reasons .go']) assert.ok(!(await page.locator(hidden).first().isVisible()));
    assert.match(await page.locator('.meta time').first().textContent(), /^2026-03-02 01:00:00 UTC$/);
  }, { javaScriptEnabled: false }));

test('times are local, and UTC for whoever asks', () =>
  opened(browser, made('some'), async (page) => {
    const began = page.locator('.meta time').first();
    assert.equal(await began.textContent(), '2026-03-02 06:30:00 UTC+05:30');
    assert.equal(await began.getAttribute('title'), '2026-03-02 01:00:00 UTC');
    assert.match(await page.locator('.plot text.time').first().textContent(), /^06:30/);
    assert.match(await page.locator('.zone').textContent(), /UTC\+05:30/);
    const [ended] = await page.locator('#body time').all();
    assert.match(await ended.getAttribute('title'), /^2026-03-02 01:0\d:\d\d UTC$/);
  }));

test('on paper there are the rows that were not updated', () =>
  opened(browser, made('some'), async (page) => {
    const before = await column(page, 'line');
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await page.emulateMedia({ media: 'print' });
    const outcomes = await column(page, 'outcome');
    assert.ok(outcomes.length > 100 && outcomes.every((text) => !text.startsWith('updated')));
    assert.match(await page.locator('#printed').innerText(), /The rows that were not updated: \d+\. outcome.csv has/);
    for (const hidden of ['#search', '#pager', '#families', 'details']) assert.ok(!(await page.locator(hidden).isVisible()));
    await page.emulateMedia({ media: 'screen' });
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    assert.deepEqual(await column(page, 'line'), before);
    assert.ok((await page.pdf({ format: 'A4' })).length > 20_000);
  }));

test('on paper there is what was asked for, and where the rest is', () =>
  opened(browser, made('some'), async (page) => {
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await page.emulateMedia({ media: 'print' });
    assert.equal((await column(page, 'line')).length, 1000);
    assert.match(await page.locator('#printed').innerText(), /were chosen: 2.\d+\. The first 1.000 of them are printed/);
  }, { hash: '#updated' }));

test('nothing is cut off on a narrow screen', async () => {
  for (const width of [320, 390, 768, 1024]) {
    await opened(browser, made('some'), async (page) => {
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      for (const name of ['email', 'outcome', 'detail']) {
        assert.ok(await page.locator(`#body .${name}`).first().isVisible(), `${name} at ${width}`);
      }
    }, { viewport: { width, height: 800 }, hash: '#failed' });
  }
});

test('the table of rows stays in its column, and each id on its line', async () => {
  for (const width of [1024, 1200, 1280, 1600]) {
    await opened(browser, made('some'), async (page) => {
      const [right, edge] = await page.evaluate(() =>
        ['#grid', '#rows'].map((name) => document.querySelector(name).getBoundingClientRect().right));
      assert.ok(width < 1200 || right <= edge + 0.5, `${right} > ${edge} at ${width}`);
      const id = page.locator('#body .user:not(.empty) bdi').first();
      assert.equal(await id.getAttribute('title'), await id.textContent());
      assert.ok(await id.evaluate((element) => element.getClientRects().length === 1 && element.clientHeight < 24));
    }, { viewport: { width, height: 800 }, hash: '#skipped' });
  }
});

test('no line breaks within a flag', () =>
  opened(browser, made('some'), async (page) => {
    const flags = page.locator('.reasons .flag');
    assert.ok((await flags.allTextContents()).includes('--include-inactive'));
    assert.ok(await flags.evaluateAll((all) => all.every((flag) => flag.getClientRects().length === 1)));
  }, { viewport: { width: 390, height: 800 } }));

test('the plot says in words what it shows', () =>
  opened(browser, made('some'), async (page) => {
    const plot = page.getByRole('img', { name: 'Rows ended over time' });
    assert.match(await plot.locator('desc').textContent(), /2.400 rows in steps of .* 725 replies with status 429; 3 waits/);
    await page.getByText('The same as a table').click();
    const rows = page.locator('details table').first().locator('tbody tr');
    const cells = await rows.locator('td').evaluateAll((all) => all.map((cell) => Number(cell.textContent)));
    const sum = (columns) => cells.filter((_, at) => columns.includes(at % 6)).reduce((a, b) => a + b, 0);
    assert.deepEqual([sum([0, 1, 2, 3, 4]), sum([5])], [2400, 725]);
    await settled(page);
  }));
