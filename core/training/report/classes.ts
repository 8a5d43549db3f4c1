/** Every class with its share of right answers, and which classes are taken for which. */
import { count, counted, percent } from '../../format.ts';
import { compareText } from '../../gallery/gallery.ts';
import { wilsonInterval } from '../evaluation/accuracy.ts';
import type { ClassAccuracy } from '../evaluation/accuracy.ts';
import type { Baseline } from '../evaluation/baseline.ts';
import { confusedPairs } from '../evaluation/confusion.ts';
import type { Confusion } from '../evaluation/confusion.ts';
import { confusionSvg } from '../evaluation/confusion-svg.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import { bar } from './bar.ts';
import { Html, html, name } from './html.ts';
import { table } from './table.ts';

const MOST_CLASSES = 200;
/** Of more classes the matrix can no longer be read. */
const MOST_IN_MATRIX = 60;
/** Characters; names of hostile length could make it huge. */
const LARGEST_MATRIX = 600_000;
const MOST_PAIRS = 30;

export function classes(evaluation: Evaluation, baseline: Baseline | null): Html {
  const worstFirst = evaluation.perClass.toSorted(
    (a, b) => a.accuracy - b.accuracy || b.images - a.images || compareText(a.class, b.class),
  );
  const shown = worstFirst.slice(0, MOST_CLASSES);
  const rest = worstFirst.length - shown.length;
  const untrained = new Map(baseline?.perClass.map((one) => [one.class, one.accuracy]));
  const mistakes = mostlyTold(evaluation.confusion);
  return html`<section aria-labelledby="classes">
      <h2 id="classes">Class by class</h2>
      <p>
        The weakest first, with the 95 % interval. Few pictures make a wide interval: look at it before you
        look at the share.
      </p>
      ${table(
        'Classes',
        [
          'class',
          'right',
          html`<th scope="col" class="share">share, with interval</th>`,
          baseline && 'untrained',
          'mostly mistaken for',
        ],
        shown.map((one) => classRow(one, untrained, mistakes.get(one.class))),
        'classes',
      )}
      ${rest > 0 && html`<p class="note">${counted(rest, 'class', 'classes')} with higher shares are not shown; evaluation.json of the version has them all.</p>`}
    </section>
    <section aria-labelledby="confusion">
      <h2 id="confusion">Which classes are taken for which</h2>
      ${matrix(evaluation.confusion) ?? pairs(evaluation.confusion)}
    </section>`;
}

function classRow(
  { class: own, images, right, accuracy }: ClassAccuracy,
  untrained: ReadonlyMap<string, number>,
  mistake: string | undefined,
): Html {
  const interval = wilsonInterval(right, images);
  const beside = untrained.get(own);
  return html`<tr>
    <th scope="row">${name(own)}</th>
    <td>${count(right)} of ${count(images)}</td>
    <td class="share">
      ${bar(accuracy, interval, 'right')}<span class="value"
        >${percent(accuracy)} <small>${percent(interval.low)} to ${percent(interval.high)}</small></span
      >
    </td>
    ${untrained.size > 0 && html`<td>${beside === undefined ? '–' : percent(beside)}</td>`}
    <td class="text">${mistake === undefined ? '–' : name(mistake)}</td>
  </tr>`;
}

/** For each class the one that it was most often mistaken for. */
function mostlyTold(confusion: Confusion): Map<string, string> {
  const told = new Map<string, string>();
  for (const { class: own, predicted } of confusedPairs(confusion)) {
    if (!told.has(own)) told.set(own, predicted);
  }
  return told;
}

/** Null where it would be too large to be read. */
function matrix(confusion: Confusion): Html | null {
  if (confusion.labels.length > MOST_IN_MATRIX) return null;
  const svg = confusionSvg(confusion, { id: 'confusion-matrix' });
  if (svg.length > LARGEST_MATRIX) return null;
  // The drawing escapes all text itself.
  return html`<div class="scroll paper" role="region" tabindex="0" aria-label="Confusion between classes">
    ${Html.trusted(svg)}
  </div>`;
}

function pairs(confusion: Confusion): Html {
  const all = confusedPairs(confusion);
  if (all.length === 0) return html`<p>No class was taken for another.</p>`;
  const rows = all.slice(0, MOST_PAIRS).map(
    (pair) =>
      html`<tr>
        <th scope="row">${name(pair.class)}</th>
        <td class="text">${name(pair.predicted)}</td>
        <td>${count(pair.count)} of ${count(pair.of)}</td>
      </tr>`,
  );
  const rest = all.length - rows.length;
  return html`${table('Pairs of classes', ['class', 'taken for', 'pictures'], rows, 'plain')}
  ${rest > 0 && html`<p class="note">and ${counted(rest, 'more pair')}; confusion.svg of the version has them all.</p>`}`;
}
