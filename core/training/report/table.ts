import { html, type Html } from './html.ts';
import type { Content } from './html.ts';

/** A column's heading as text, or its cell; an empty text is a corner without one, null and false are no column. */
export type Heading = string | Html | null | false;

/** A table that scrolls by itself where it is wider than the page. @param rows `tr` elements */
export function table(
  label: string,
  headings: readonly Heading[],
  rows: Content,
  kind: 'numbers' | 'classes' | 'plain' = 'numbers',
): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">
    <table class="${kind}">
      <thead>
        <tr>
          ${headings.map(headingCell)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function headingCell(heading: Heading): Content {
  if (heading === '') return html`<td></td>`;
  return typeof heading === 'string' ? html`<th scope="col">${heading}</th>` : heading;
}
