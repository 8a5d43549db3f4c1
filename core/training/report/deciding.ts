/** By what the model decides, and what else it could have decided by. See core/training/choose-decision.ts. */
import { percent } from '../../format.ts';
import type { Rule } from '../../gallery/rules.ts';
import type { TriedDecision } from '../choose-decision.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { table } from './table.ts';

const NAMES: Record<Rule, string> = {
  nearest: 'the nearest picture',
  'k-nearest': 'the three nearest pictures of a class',
  'class-mean': 'the mean of a class’s pictures',
};

/** @param rule the one that was taken; null: nothing could be calibrated */
export function deciding(tried: readonly TriedDecision[], rule: Rule | null): Html {
  const share = (value: number | null): string => (value === null ? '–' : percent(value));
  const rows = tried.map(
    (way) =>
      html`<tr>
        <th scope="row">${NAMES[way.rule]}</th>
        <td>${way.shrinkage}</td>
        <td>${share(way.accuracy)}</td>
        <td>${share(way.accuracyWithAdded)}</td>
        <td class="text">${way.taken ? 'taken' : ''}</td>
      </tr>`,
  );
  return html`<p>
      ${rule !== null && `A picture’s class is told by ${NAMES[rule]}. `}What was tried, on training pictures
      asked for as if they were new, and again with a quarter of the classes added only afterwards; the mean
      of both counts, and the first shrinkage unless another is clearly better:
    </p>
    <details>
      <summary>Ways to decide</summary>
      ${table('Ways to decide', ['decided by', 'shrinkage', 'right', 'with added classes', ''], rows)}
    </details>`;
}
