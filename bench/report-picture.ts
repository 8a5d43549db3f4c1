/**
 * A picture of a report's first screens, for the guide. Chromium or Chrome has to be in the PATH.
 *
 *   node bin/kindred.mjs models report clothing10 --out report.html
 *   node --import tsx bench/report-picture.ts report.html docs/report.webp
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { launchBrowser } from '../test/support/browser.ts';

const SIZE = { width: 1060, height: 1500 };

const [report, picture] = process.argv.slice(2);
if (report === undefined || picture === undefined) {
  throw new Error('Name the report and the picture: bench/report-picture.ts report.html docs/report.webp');
}
const browser = await launchBrowser();
try {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light' });
  await page.goto(pathToFileURL(path.resolve(report)).href);
  const { size } = await sharp(await page.screenshot())
    .webp({ quality: 82 })
    .toFile(picture);
  process.stdout.write(`${picture}: ${SIZE.width} x ${SIZE.height} pixels, ${size} bytes\n`);
} finally {
  await browser.close();
}
