/** Accuracy class by class, and which classes are confused. */
import { count, counted, percent } from '../../format.ts';
import { compareText } from '../../gallery/gallery.ts';
import { Html, html } from '../../markup.ts';
import { wilsonInterval } from '../evaluation/accuracy.ts';
import type { Baseline } from '../evaluation/baseline.ts';
import { confusedPairs } from '../evaluation/confusion.ts';
import type { Confusion } from '../evaluation/confusion.ts';
import { confusionSvg } from '../evaluation/confusion-svg.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import { shareBar } from './charts.ts';
import { name, scrolling, section, table } from './layout.ts';

const MOST_CLASSES = 200;
/** Of more classes the matrix can no longer be read. */
const MOST_IN_MATRIX = 60;
/** Characters; names of hostile length could make it huge. */
const LARGEST_MATRIX = 600_000;
const MOST_PAIRS = 30;

export function classesSections({ perClass, confusion }: Evaluation, baseline: Baseline | null): Html {
  const worstFirst = perClass.toSorted(
    (a, b) => a.accuracy - b.accuracy || b.images - a.images || compareText(a.class, b.class),
  );
  const untrained = new Map(baseline?.perClass.map((one) => [one.class, one.accuracy]));
  // The pairs come most frequent first.
  const mistakes = new Map(
    confusedPairs(confusion)
      .toReversed()
      .map((pair) => [pair.class, pair.predicted]),
  );
  const rows = worstFirst.slice(0, MOST_CLASSES).map(({ class: own, images, right, accuracy }) => {
    const interval = wilsonInterval(right, images);
    const beside = untrained.get(own);
    const mistake = mistakes.get(own);
    return [
      name(own),
      `${count(right)} of ${count(images)}`,
      html`${shareBar(accuracy, interval, 'right')}<span class="value"
          >${percent(accuracy)} <small>${percent(interval.low)} to ${percent(interval.high)}</small></span
        >`,
      beside === undefined ? '–' : percent(beside),
      mistake === undefined ? '–' : name(mistake),
    ];
  });
  const columns = [
    'class',
    'right',
    ['accuracy, with interval', 'share'],
    baseline !== null && 'untrained',
    ['most confused with', 'text'],
  ] as const;
  const rest = worstFirst.length - rows.length;
  return html`${section(
    'classes',
    'Accuracy by class',
    html`<p>The lowest first, with the 95 % confidence interval. Few images make a wide interval.</p>`,
    table('Classes', columns, rows, 'classes'),
    rest > 0 &&
      html`<p class="note">
        ${counted(rest, 'class', 'classes')} of higher accuracy are not shown; see evaluation.json of the
        version.
      </p>`,
  )}${section('confusion', 'Confusion', matrix(confusion) ?? pairs(confusion))}`;
}

/** Null where it would be too large to be read. */
function matrix(confusion: Confusion): Html | null {
  if (confusion.labels.length > MOST_IN_MATRIX) return null;
  const svg = confusionSvg(confusion, { id: 'confusion-matrix' });
  // The drawing escapes all text itself.
  return svg.length > LARGEST_MATRIX
    ? null
    : scrolling('Confusion between classes', Html.trusted(svg), 'paper');
}

function pairs(confusion: Confusion): Html {
  const all = confusedPairs(confusion);
  if (all.length === 0) return html`<p>No class was confused with another.</p>`;
  const rows = all
    .slice(0, MOST_PAIRS)
    .map((pair) => [name(pair.class), name(pair.predicted), `${count(pair.count)} of ${count(pair.of)}`]);
  const rest = all.length - rows.length;
  return html`${table('Pairs of classes', ['class', ['predicted', 'text'], 'images'], rows, 'plain')}
  ${rest > 0 && html`<p class="note">and ${counted(rest, 'more pair')}; see confusion.svg of the version.</p>`}`;
}
