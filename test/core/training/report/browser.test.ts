/** Reports in a real browser: what it makes of them, not what the source says. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { percent } from '../../../../core/format.ts';
import { readReport } from '../../../../core/registry/report.ts';
import { reportPage } from '../../../../core/training/report/index.ts';
import { launchBrowser, withoutBrowser } from '../../../support/browser.ts';
import { Place } from '../../jobs/support.ts';
import { reportData } from './support.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Names that a folder can have, and that mean something to HTML, to attributes, to the direction of text, to fonts. */
const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  `"'><b onmouseover=alert(2)>&amp;`,
  'قبعة \u202egnp.exe',
  '👗 <script>alert(3)<\\script>',
];

/** What there would be if one of them were taken for HTML. */
const PLANTED = 'b, img[src="x"], [onerror], [onmouseover]';

const skip = withoutBrowser();

describe('a report in a browser', { skip }, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-report-'));
  let browser: Browser;
  before(async () => (browser = await launchBrowser()));
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens the page, and keeps what should not happen: messages, errors, dialogs, requests for anything but the file. */
  async function open(
    content: Uint8Array | string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; unwanted: string[] }> {
    const file = path.join(folder, 'report.html');
    writeFileSync(file, content);
    const page = await browser.newPage(options);
    const unwanted: string[] = [];
    page.on('console', (message) => unwanted.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => unwanted.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      unwanted.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    const address = pathToFileURL(file).href;
    page.on('request', (request) => {
      const url = request.url();
      if (url !== address && !url.startsWith('data:')) unwanted.push(`request: ${url}`);
    });
    await page.goto(address, { waitUntil: 'load' });
    return { page, unwanted };
  }

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    const { violations: found } = await page.evaluate<AxeResults>('axe.run()');
    return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
  }

  const textOf = (page: Page, selector: string): Promise<string[]> => page.locator(selector).allInnerTexts();

  describe('of a training whose classes have hostile names', { skip }, () => {
    let place: Place;
    let report: Uint8Array;
    const classes = HOSTILE.slice(0, 3);
    before(async () => {
      place = new Place();
      for (const part of ['train', 'test']) {
        for (const [i, plain] of ['hat', 'pants', 'shoes'].entries()) {
          renameSync(place.in(`${part}/${plain}`), place.in(`${part}/${classes[i]}`));
        }
      }
      const job = await place.newJob('metric');
      await place.train(job, {}, { test: await place.pictures('test') });
      report = await readReport(place.registry, { model: 'clothes', version: 1 });
    });
    after(() => place?.close());

    it('shows the names as text, fetches nothing, runs nothing and says nothing on the console', async () => {
      const { page, unwanted } = await open(report);

      const shown = await textOf(page, '.classes tbody th');
      const scripts = await page.locator('script').count();
      const planted = await page.locator(PLANTED).count();
      await page.close();

      const expected = classes.map((name) => name.replace('\u202e', '\ufffd'));
      assert.deepEqual(shown.toSorted(), expected.toSorted());
      assert.deepEqual([scripts, planted], [0, 0]);
      assert.deepEqual(unwanted, []);
    });

    it('shows the accuracy that was measured, and pictures that can be seen, each with its name', async () => {
      const { metrics } = await place.registry.manifest('clothes', 1);
      const { page } = await open(report);

      const headline = await textOf(page, '.figure');
      const pictures = await page.evaluate<{ naturalWidth: number; alt: string }[]>(
        'Array.from(document.images, ({ naturalWidth, alt }) => ({ naturalWidth, alt }))',
      );
      await page.close();

      assert.deepEqual(headline, [percent(metrics['accuracy'] as number)]);
      assert.ok(pictures.length >= 6 * 4, `${pictures.length} pictures`);
      for (const { naturalWidth, alt } of pictures) {
        assert.ok(naturalWidth > 20, `${naturalWidth} pixels`);
        assert.match(alt, /^(Test|Gallery) image .*\.jpg$/u);
      }
    });
  });

  describe('with everything that a report can show', { skip }, () => {
    const everything = {
      ...reportData({ name: (i) => HOSTILE[i % HOSTILE.length] ?? '' }),
      model: HOSTILE[0] ?? '',
    };
    const content = reportPage(
      {
        ...everything,
        madeBy: HOSTILE[1] ?? '',
        train: { ...everything.train, name: HOSTILE[3] ?? '' },
        libraries: { ...everything.libraries, [HOSTILE[1] ?? '']: HOSTILE[0] ?? '' },
        recipe: { name: HOSTILE[3] ?? '', options: { [HOSTILE[0] ?? '']: HOSTILE } },
      },
      2,
    );

    const settings: Record<string, BrowserContextOptions> = {
      'in light': { colorScheme: 'light' },
      'in dark': { colorScheme: 'dark' },
      'on a telephone': { viewport: { width: 360, height: 740 } },
    };
    for (const [where, options] of Object.entries(settings)) {
      it(`is accessible and fits the window ${where}`, async () => {
        const { page, unwanted } = await open(content, options);

        for (const details of await page.locator('summary').all()) await details.click();
        const found = await violations(page);
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - window.innerWidth',
        );
        await page.close();

        assert.deepEqual(found, []);
        assert.ok(overflow <= 0, `${overflow} pixels too wide`);
        assert.deepEqual(unwanted, []);
      });
    }

    it('is dark where that is wished, and light on paper all the same', async () => {
      const { page } = await open(content, { colorScheme: 'dark' });
      const background = (): Promise<string> =>
        page.evaluate('getComputedStyle(document.body).backgroundColor');

      const onScreen = await background();
      await page.emulateMedia({ media: 'print' });
      const onPaper = await background();
      const pdf = await page.pdf({ format: 'A4' });
      await page.close();

      const [red = 255] = onScreen.match(/\d+/g)?.map(Number) ?? [];
      assert.ok(red < 60, onScreen);
      assert.equal(onPaper, 'rgb(255, 255, 255)');
      assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    });

    it('shows every hostile name as text wherever it stands', async () => {
      const { page, unwanted } = await open(content);

      const text = await page.locator('body').innerText();
      const planted = await page.locator(`script, ${PLANTED}`).count();
      await page.close();

      for (const name of HOSTILE) assert.ok(text.includes(name.replace('\u202e', '\ufffd')), name);
      assert.equal(planted, 0);
      assert.deepEqual(unwanted, []);
    });
  });
});
