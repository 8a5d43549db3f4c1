/** The top of the report: how often the model is right, and the untrained network beside it. */
import { count, counted, moment, percent, points, probability } from '../../format.ts';
import type { Interval } from '../evaluation/accuracy.ts';
import type { Baseline } from '../evaluation/baseline.ts';
import { type Evaluation } from '../evaluation/evaluate.ts';
import { RANKS } from '../evaluation/retrieval.ts';
import { bar } from './bar.ts';
import type { ReportData } from './data.ts';
import { html, name } from './html.ts';
import type { Html } from './html.ts';
import { table } from './table.ts';

export function headline(data: ReportData, version: number): Html {
  const { model, madeAt, train, recipe, evaluation, baseline } = data;
  return html`<header>
      <p class="eyebrow">Kindred report</p>
      <h1>${name(model)} <span class="version">version ${version}</span></h1>
      <p class="lead">
        Learnt from ${counted(train.pictures, 'picture')} of ${counted(train.classes, 'class', 'classes')},
        with the recipe ${recipe.name}, on <time datetime="${madeAt}">${moment(madeAt)} UTC</time>.
      </p>
    </header>
    <section aria-labelledby="accuracy">
      <h2 id="accuracy">How often it is right</h2>
      ${evaluation === null ? notMeasured(data) : measured(evaluation, baseline, data)}
    </section>`;
}

function notMeasured({ calibration }: ReportData): Html {
  const own =
    calibration === null || calibration.accuracy === null
      ? null
      : html`<p>
          Asked for one another, ${percent(calibration.accuracy)} of ${count(calibration.pictures)} training
          pictures found their class. That is a hint, not a measurement: the network was made from these
          pictures, and the way to decide chosen by them.
        </p>`;
  return html`<p>
      This was not measured: no picture was kept to judge on. Train with <code>--test</code> or
      <code>--hold-out</code> to know.
    </p>
    ${own}`;
}

function measured(evaluation: Evaluation, baseline: Baseline | null, { heldOut, shared }: ReportData): Html {
  const { accuracy, accuracyInterval, images } = evaluation;
  const right = Math.round(accuracy * images);
  return html`<p class="verdict">
      <strong class="figure">${percent(accuracy)}</strong> of the test pictures are named right:
      ${count(right)} of ${count(images)},
      ${shared === 0 ? 'none of which it had learnt from.' : html`<strong class="wrong">${count(shared)} of which it had learnt from.</strong>`}
    </p>
    ${shared > 0 && html`<p>A picture that was learnt from is no test: these figures are better than the truth.</p>`}
    <div class="bars">
      ${line('this model', accuracy, accuracyInterval, 'right')}
      ${baseline && line('untrained network', baseline.accuracy, baseline.accuracyInterval, 'plain')}
    </div>
    <p class="note">
      The thin line is the 95 % interval: where the true share may lie, given that only
      ${counted(images, 'picture')} ${images === 1 ? 'was' : 'were'} asked
      for.${heldOut && ' The test pictures were held out of the same data set, and have joined the gallery since.'}
    </p>
    ${baseline && compared(baseline)} ${measures(evaluation, baseline)}`;
}

function line(label: string, share: number, interval: Interval, className: string): Html {
  return html`<div class="line">
    <span>${label}</span>${bar(share, interval, className)}<span class="value"
      >${percent(share)} <small>${percent(interval.low)} to ${percent(interval.high)}</small></span
    >
  </div>`;
}

/** What may be said of the difference, and no more. */
function compared({
  difference: { difference, interval, p, onlyModel, onlyBaseline },
  images,
}: Baseline): Html {
  const size = percent(Math.abs(difference)).replace(' %', '');
  const verdict =
    interval.low > 0
      ? `Training has gained ${size} points over the untrained network.`
      : interval.high < 0
        ? `Training has lost ${size} points against the untrained network.`
        : `Whether training has gained anything over the untrained network cannot be told from ${counted(images, 'picture')}.`;
  return html`<p>
    <strong>${verdict}</strong> The difference is ${points(difference)} points, 95 % interval
    ${points(interval.low)} to ${points(interval.high)}, exact McNemar ${probability(p)}:
    ${counted(onlyModel, 'picture')} only this model named right, ${count(onlyBaseline)} only the untrained
    network did. Both were asked for the same pictures, from the same gallery.
  </p>`;
}

function measures(evaluation: Evaluation, baseline: Baseline | null): Html {
  const ranks = RANKS.filter((k) => k > 1);
  const row = (
    label: string,
    of: Pick<Evaluation, 'accuracy' | 'macroAccuracy' | 'recallAt' | 'mapAtR'>,
  ): Html =>
    html`<tr>
      <th scope="row">${label}</th>
      <td>${percent(of.accuracy)}</td>
      <td>${percent(of.macroAccuracy)}</td>
      ${ranks.map((k) => html`<td>${percent(of.recallAt[k])}</td>`)}
      <td>${of.mapAtR === null ? '–' : of.mapAtR.toFixed(3)}</td>
    </tr>`;
  return html`${table(
      'Measures',
      ['', 'accuracy', 'mean of the classes', ...ranks.map((k) => `recall@${k}`), 'MAP@R'],
      [row('this model', evaluation), baseline && row('untrained network', baseline)],
    )}
    <p class="note">
      Mean of the classes: every class counts the same, however many pictures it has. Recall@k: the share of
      pictures with one of their own class among the k nearest. MAP@R: how well all pictures of the own class
      come before the others, from 0 to 1.
    </p>
    ${missing(evaluation)}`;
}

function missing({ missingClasses }: Evaluation): Html | null {
  if (missingClasses.length === 0) return null;
  const some = missingClasses.slice(0, 10);
  const rest = missingClasses.length - some.length;
  return html`<p>
    Never right, because the gallery has no picture of them:
    ${some.map((one, i) => html`${i > 0 && ', '}${name(one)}`)}${rest > 0 && ` and ${rest} more`}.
  </p>`;
}
