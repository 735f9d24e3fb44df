// Takes the report's picture, by day and by night, into the folder that is named.

import { statSync } from 'node:fs';
import path from 'node:path';
import { launch, made, opened } from './browser.mjs';

const MOST = 150_000;
const [folder] = process.argv.slice(2);
const browser = await launch();
for (const colorScheme of ['light', 'dark']) {
  const file = path.join(folder, `report-${colorScheme}.png`);
  await opened(browser, made('picture'), (page) => page.screenshot({ path: file }), {
    colorScheme, viewport: { width: 1120, height: 1840 }, deviceScaleFactor: 0.65, timezoneId: 'UTC',
  });
  if (statSync(file).size > MOST) throw new Error(`${file} is larger than ${MOST} bytes`);
}
await browser.close();
