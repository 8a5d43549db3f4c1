/** What the sections of a report are made of. */
import { html } from '../../markup.ts';
import type { Content, Html } from '../../markup.ts';
import { fitText } from '../evaluation/text-width.ts';

const LONGEST_NAME = 80;

/** A name from outside: shortened where it is very long, and kept from turning the direction of what stands beside it. */
export function name(text: string, longest = LONGEST_NAME): Html {
  return html`<bdi>${fitText(text, longest)}</bdi>`;
}

/** The same for places where no element can stand. */
export function plainName(text: string): string {
  return fitText(text, LONGEST_NAME);
}

/** A section with its heading. */
export function section(id: string, title: string, ...content: readonly Content[]): Html {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${content}
  </section>`;
}

/** What scrolls by itself where it is wider than the page. */
export function scrolling(label: string, content: Content, className = ''): Html {
  return html`<div class="scroll ${className}" role="region" tabindex="0" aria-label="${label}">
    ${content}
  </div>`;
}

/** A column's heading, and its cells' class; an empty heading is a corner without one, false is no column. */
export type Column = string | readonly [title: string, className: string] | false;

/** @param rows a cell for each column, also for those that are left out; the first heads its row */
export function table(
  label: string,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  className = 'numbers',
): Html {
  const classOf = (column: Column | undefined): string => (typeof column === 'object' ? column[1] : '');
  const head = columns.map((column) => {
    const title = typeof column === 'object' ? column[0] : column;
    if (title === '') return html`<td></td>`;
    return title !== false && html`<th scope="col" class="${classOf(column)}">${title}</th>`;
  });
  const body = rows.map(([first = null, ...cells]) => {
    const rest = cells.map(
      (cell, i) => columns[i + 1] !== false && html`<td class="${classOf(columns[i + 1])}">${cell}</td>`,
    );
    return html`<tr>
      <th scope="row">${first}</th>
      ${rest}
    </tr>`;
  });
  return scrolling(
    label,
    html`<table class="${className}">
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>`,
  );
}

/** What is shown on request. */
export function details(summary: string, content: Content): Html {
  return html`<details>
    <summary>${summary}</summary>
    ${content}
  </details>`;
}
