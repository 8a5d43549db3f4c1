/** The training: epochs, curves, and the selection of the decision rule. */
import { counted, decimal, duration, percent } from '../../format.ts';
import type { Rule } from '../../gallery/rules.ts';
import { html } from '../../markup.ts';
import type { Html } from '../../markup.ts';
import type { EpochRecord } from '../checkpoint.ts';
import type { TriedDecision } from '../choose-decision.ts';
import { chart, percentLabel } from './charts.ts';
import type { Axis, Chart, Series } from './charts.ts';
import type { ReportData } from './data.ts';
import { details, section, table } from './layout.ts';

/** Epochs that are listed one by one; more are in training.json. */
const MOST_EPOCHS = 50;

const RULES: Record<Rule, string> = {
  nearest: 'the nearest image',
  'k-nearest': 'the three nearest images of a class',
  'class-mean': 'the mean of a class’s images',
};

const share = (value: number | null): string => (value === null ? '–' : percent(value));

export function trainingSection({ curve, epoch, collapse, tried, calibration }: ReportData): Html {
  const seconds = curve.reduce((sum, one) => sum + one.seconds, 0);
  const took = `${counted(curve.length, 'epoch')} took ${duration(seconds)}.`;
  const summary =
    curve.length === 0
      ? 'No epoch was run: the pretrained weights are kept, with a closed-form head.'
      : epoch === 0
        ? `${took} The pretrained weights are kept: no epoch improved validation accuracy.`
        : `${took} The weights are those after epoch ${epoch} (the dashed line).`;
  return section(
    'training',
    'Training',
    html`<p>${summary}</p>`,
    collapse !== null && html`<p>The first attempt was given up: ${collapse}. This is the second one.</p>`,
    curve.length > 0 && [curves(curve, epoch), epochs(curve)],
    tried.length > 0 && decision(tried, calibration?.rule ?? null),
  );
}

function curves(curve: readonly EpochRecord[], taken: number): Html {
  const numbers = curve.map(({ epoch }) => epoch);
  const x: Axis = {
    from: Math.min(1, ...numbers),
    to: Math.max(2, ...numbers),
    title: 'epoch',
    label: (epoch) => (Number.isInteger(epoch) ? String(epoch) : ''),
  };
  const series = (name: string, value: (epoch: EpochRecord) => number | null): Series => ({
    name,
    points: curve.flatMap((one) => {
      const found = value(one);
      return found === null || !Number.isFinite(found) ? [] : [[one.epoch, found] as const];
    }),
  });
  const losses = [series('loss', ({ loss }) => loss), series('validation loss', (one) => one.validationLoss)];
  const rates = [
    series('active triplets', ({ active }) => active),
    series('validation accuracy', (one) => one.validationAccuracy),
  ];
  const highest = Math.max(...losses.flatMap(({ points }) => points.map(([, value]) => value)), 1e-9);
  const drawn = (
    id: string,
    title: string,
    all: readonly Series[],
    y: Axis,
    text: (value: number) => string,
  ) =>
    chart({
      ...({ id, x, y, series: all, width: 440, height: 240 } satisfies Partial<Chart>),
      title: `${title} over ${counted(x.to, 'epoch')}`,
      description: all
        .filter(({ points }) => points.length > 0)
        .map(
          ({ name, points }) =>
            `${name}: from ${text(points[0]?.[1] ?? 0)} to ${text(points.at(-1)?.[1] ?? 0)}`,
        )
        .join('; '),
      marks: taken > 0 ? [{ x: taken, label: '' }] : [],
    });
  return html`<div class="charts">
    ${drawn('loss-curve', 'Loss', losses, { from: 0, to: highest * 1.05, title: 'loss', label: String }, decimal)}
    ${drawn('share-curve', 'Shares', rates, { from: 0, to: 1, title: 'share', label: percentLabel }, percent)}
  </div>`;
}

function epochs(curve: readonly EpochRecord[]): Html {
  const rows = curve
    .slice(-MOST_EPOCHS)
    .map((one) => [
      one.epoch,
      decimal(one.loss),
      percent(one.active),
      one.validationLoss === null ? '–' : decimal(one.validationLoss),
      share(one.validationAccuracy),
      duration(one.seconds),
    ]);
  const columns = ['epoch', 'loss', 'active triplets', 'validation loss', 'validation accuracy', 'time'];
  return details('Epochs', table('Epochs', columns, rows));
}

/** See core/training/choose-decision.ts. @param rule the selected one; null: nothing could be calibrated */
function decision(tried: readonly TriedDecision[], rule: Rule | null): Html {
  const rows = tried.map((one) => [
    RULES[one.rule],
    one.shrinkage,
    share(one.accuracy),
    share(one.accuracyWithAdded),
    one.taken ? 'selected' : '',
  ]);
  const columns = ['rule', 'shrinkage', 'accuracy', 'with added classes', ['', 'text']] as const;
  return html`<p>
      ${rule !== null && `The class is predicted by ${RULES[rule]}. `}Rules are compared by cross-fitting on
      training images, and again with a quarter of the classes added only afterwards; the mean of both
      accuracies counts.
    </p>
    ${details('Decision rules', table('Decision rules', columns, rows))}`;
}
