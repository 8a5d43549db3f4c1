import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { percent, points } from '../../../../core/format.ts';
import { type ReportData, reportPage } from '../../../../core/training/report/index.ts';
import { roundTicks } from '../../../../core/training/report/charts.ts';
import { MOST_CHARACTERS } from '../../../../core/training/report/images.ts';
import { reportData } from './support.ts';

/** A page may be so many bytes; it is sent by mail. */
const LARGEST = 3_000_000;

/** The page's text, markup gone and white space made one. */
function textOf(page: string): string {
  return page
    .replace(/<style>[^]*?<\/style>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

describe('the page of a report', () => {
  const data = reportData();
  const page = reportPage(data, 3);
  const text = textOf(page);

  it('tells the accuracy, the untrained network beside it, and the difference, each with its interval', () => {
    const { evaluation, baseline } = data;
    assert.ok(evaluation && baseline);
    for (const { accuracy, accuracyInterval } of [evaluation, baseline]) {
      const { low, high } = accuracyInterval;
      assert.ok(text.includes(`${percent(accuracy)} ${percent(low)} to ${percent(high)}`));
    }
    const { difference, interval } = baseline.difference;
    const told = `Difference: ${points(difference)} points, 95 % interval ${points(interval.low)} to ${points(interval.high)}, exact McNemar p`;
    assert.ok(text.includes(told), told);
    assert.match(text, /clouds version 3/);
  });

  it('says no more of the difference than the interval allows', () => {
    const { baseline } = data;
    assert.ok(baseline);
    const told = (low: number, high: number): string => {
      const difference = { ...baseline.difference, difference: (low + high) / 2, interval: { low, high } };
      return textOf(reportPage({ ...data, baseline: { ...baseline, difference } }, 3));
    };
    assert.match(told(0.1, 0.3), /Training gained 20\.0 points over the untrained backbone\./);
    assert.match(told(-0.3, -0.1), /Training lost 20\.0 points against the untrained backbone\./);
    assert.match(told(-0.01, 0.1), /No significant difference from the untrained backbone on 60 images\./);
  });

  it('has all its sections, and says how the version was made', () => {
    const headings = [...page.matchAll(/<h2[^>]*>([^<]*)<\/h2>/g)].map(([, heading]) => heading?.trim());
    assert.deepEqual(headings, [
      'Accuracy',
      'Mistakes',
      'Close calls',
      'Accuracy by class',
      'Confusion',
      'Thresholds for unknown images',
      'Training',
      'Data check',
      'Provenance',
    ]);
    for (const fact of [
      'metric',
      '7',
      'ab'.repeat(32),
      'cd'.repeat(32),
      '[1,0.694]',
      'node 20.0.0',
      '1 min 15 s',
    ]) {
      assert.ok(text.includes(` ${fact}`), fact);
    }
    assert.match(text, /The weights are those after epoch 2 /);
    assert.match(text, /The first attempt was given up: all embeddings fell on one point\./);
    assert.match(text, /Labels that look wrong/);
    assert.match(text, /Skipped: Test pictures that are learnt from \(there is no test set\)\./);
  });

  it('allows nothing to be fetched and nothing to run', () => {
    assert.ok(
      page.includes(`content="default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;"`),
    );
    assert.doesNotMatch(page, /<script|\bon[a-z]+=|(?:src|href)="(?!data:)|url\(|@import/i);
  });

  it('says why pictures were named as they were, by the rule that named them', () => {
    const { examples, calibration } = data;
    assert.ok(examples && calibration);
    assert.match(text, /the class of the nearest one is predicted/);
    const byMean = {
      ...data,
      examples: { ...examples, rule: 'class-mean' as const },
      calibration: { ...calibration, rule: 'class-mean' as const },
    };
    const told = textOf(reportPage(byMean, 3));
    assert.match(told, /the class whose mean is nearest is predicted/);
    assert.match(told, /The class is predicted by the mean of a class’s images\./);
    assert.match(told, /the nearest image 0\.2 75\.0 % – selected/);
  });

  it('warns when test pictures were learnt from', () => {
    assert.match(text, /none of which are in the training set\./);
    assert.match(
      textOf(reportPage({ ...data, shared: 4 }, 3)),
      / 4 of which are in the training set\..*too high/,
    );
  });

  it('says what is missing where nothing was measured', () => {
    const bare: ReportData = {
      ...data,
      test: null,
      evaluation: null,
      baseline: null,
      calibration: null,
      examples: null,
      dataCheck: null,
      curve: [],
      epoch: 0,
    };
    const told = textOf(reportPage(bare, 1));
    assert.match(told, /Not measured: there were no test images/);
    assert.match(told, /There are no thresholds/);
    assert.match(told, /No epoch was run/);
    assert.doesNotMatch(told, /NaN|undefined|null|Infinity/);
    assert.doesNotMatch(text, /NaN|undefined|Infinity/);
  });

  it('stays small enough to be sent, however many classes there are and whatever they are called', () => {
    const address = `data:image/webp;base64,${'A'.repeat(MOST_CHARACTERS / 150)}`;
    for (const classes of [60, 400]) {
      const many = reportData({
        classes,
        queries: 1500,
        gallery: 500,
        name: (i) => `${i} ${'"<猫>&\''.repeat(40)}`,
      });
      const pictures = () => ({ address, width: 160, height: 160 });

      const bytes = Buffer.byteLength(reportPage({ ...many, pictures }, 1));

      assert.ok(bytes < LARGEST, `${classes} classes: ${bytes} bytes`);
    }
  });
});

describe('the ticks of an axis', () => {
  it('are two to six round numbers within the range', () => {
    for (const to of [0.0003, 0.07, 1, 1.05, 7, 42, 999, 123_456]) {
      for (const from of [0, to / 3]) {
        const ticks = roundTicks({ from, to });
        assert.ok(ticks.length >= 2 && ticks.length <= 6, `${from} to ${to}: ${ticks.join()}`);
        for (const tick of ticks) {
          assert.ok(tick >= from - 1e-9 && tick <= to + 1e-9);
          assert.ok(String(tick).replace(/^0\.0*|\.|0+$/g, '').length <= 3, String(tick));
        }
      }
    }
  });
});
