/** The top of the report: accuracy, with that of the untrained backbone beside it. */
import { count, counted, moment, percent, points, probability } from '../../format.ts';
import type { Interval } from '../../interval.ts';
import { html } from '../../markup.ts';
import type { Html } from '../../markup.ts';
import type { Baseline } from '../evaluation/baseline.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import { RANKS } from '../evaluation/retrieval.ts';
import { shareBar } from './charts.ts';
import type { ReportData } from './data.ts';
import { name, section, table } from './layout.ts';

const MOST_MISSING = 10;

export function header({ model, madeAt, train, recipe }: ReportData, version: number): Html {
  return html`<header>
    <p class="eyebrow">Kindred report</p>
    <h1>${name(model)} <span class="version">version ${version}</span></h1>
    <p class="lead">
      Trained on ${counted(train.pictures, 'image')} in ${counted(train.classes, 'class', 'classes')} with
      recipe ${recipe.name} on <time datetime="${madeAt}">${moment(madeAt)} UTC</time>.
    </p>
  </header>`;
}

export function accuracySection(data: ReportData): Html {
  const { evaluation, baseline } = data;
  if (evaluation === null) return section('accuracy', 'Accuracy', notMeasured(data));
  return section(
    'accuracy',
    'Accuracy',
    measured(evaluation, baseline, data),
    baseline && compared(baseline),
    measures(evaluation, baseline),
  );
}

function notMeasured({ calibration }: ReportData): Html {
  return html`<p>
      Not measured: there were no test images. Train with <code>--test</code> or <code>--hold-out</code>.
    </p>
    ${calibration !== null && calibration.accuracy !== null && html`<p>Leave-one-out accuracy on ${count(calibration.pictures)} training images: ${percent(calibration.accuracy)}. It is optimistic: the network was trained on these images, and the decision rule selected with them.</p>`}`;
}

function measured(evaluation: Evaluation, baseline: Baseline | null, { heldOut, shared }: ReportData): Html {
  const { accuracy, accuracyInterval, images } = evaluation;
  return html`<p class="verdict">
      <strong class="figure">${percent(accuracy)}</strong> of the test images are predicted correctly:
      ${count(Math.round(accuracy * images))} of ${count(images)},
      ${shared === 0 ? 'none of which are in the training set.' : html`<strong class="wrong">${count(shared)} of which are in the training set.</strong>`}
    </p>
    ${shared > 0 && html`<p>The accuracy is too high: training images are no test.</p>`}
    ${line('this model', accuracy, accuracyInterval, 'right')}
    ${baseline && line('untrained backbone', baseline.accuracy, baseline.accuracyInterval, 'plain')}
    <p class="note">
      The thin line is the 95 % confidence interval, from ${counted(images, 'test image')}.
      ${heldOut && 'The test images were held out of the same dataset, and have been added to the gallery since.'}
    </p>`;
}

function line(label: string, share: number, interval: Interval, className: string): Html {
  return html`<div class="line">
    <span>${label}</span>${shareBar(share, interval, className)}<span class="value"
      >${percent(share)} <small>${percent(interval.low)} to ${percent(interval.high)}</small></span
    >
  </div>`;
}

/** What the interval allows to say of the difference. */
function compared({ difference: found, images }: Baseline): Html {
  const { difference, interval, p, onlyModel, onlyBaseline } = found;
  const size = percent(Math.abs(difference)).replace(' %', '');
  const verdict =
    interval.low > 0
      ? `Training gained ${size} points over the untrained backbone.`
      : interval.high < 0
        ? `Training lost ${size} points against the untrained backbone.`
        : `No significant difference from the untrained backbone on ${counted(images, 'image')}.`;
  return html`<p>
    <strong>${verdict}</strong> Difference: ${points(difference)} points, 95 % interval
    ${points(interval.low)} to ${points(interval.high)}, exact McNemar ${probability(p)}. Only this model is
    right on ${counted(onlyModel, 'image')}, only the untrained backbone on ${count(onlyBaseline)}, with the
    same gallery.
  </p>`;
}

function measures(evaluation: Evaluation, baseline: Baseline | null): Html {
  const { missingClasses } = evaluation;
  const ranks = RANKS.filter((k) => k > 1);
  const row = (label: string, of: Pick<Evaluation, 'accuracy' | 'macroAccuracy' | 'recallAt' | 'mapAtR'>) => [
    label,
    percent(of.accuracy),
    percent(of.macroAccuracy),
    ...ranks.map((k) => percent(of.recallAt[k])),
    of.mapAtR === null ? '–' : of.mapAtR.toFixed(3),
  ];
  const rest = missingClasses.length - MOST_MISSING;
  return html`${table(
      'Measures',
      ['', 'accuracy', 'mean of the classes', ...ranks.map((k) => `recall@${k}`), 'MAP@R'],
      [row('this model', evaluation), ...(baseline ? [row('untrained backbone', baseline)] : [])],
    )}
    <p class="note">
      Mean of the classes: every class counts the same. Recall@k: the share of images with one of their own
      class among the k nearest. MAP@R: how well all images of the own class come before the others, from 0 to
      1.
    </p>
    ${missingClasses.length > 0 && html`<p>Never right, because the gallery has no image of them: ${missingClasses.slice(0, MOST_MISSING).map((one, i) => [i > 0 && ', ', name(one)])}${rest > 0 && ` and ${rest} more`}.</p>`}`;
}
