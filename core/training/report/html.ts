/** HTML whose values are escaped: whatever is put into a template is text, unless another template made it. */
import { fitText } from '../evaluation/text-width.ts';

/** Made by {@link html} only. */
export class Html {
  readonly #source: string;

  private constructor(source: string) {
    this.#source = source;
  }

  toString(): string {
    return this.#source;
  }

  /** The source as it is. Only for what this room itself has made. */
  static trusted(source: string): Html {
    return new Html(source);
  }
}

/** What a template takes; null and false are nothing. */
export type Content = Html | string | number | null | false | readonly Content[];

/** A template whose values are escaped, for content and for quoted attributes alike. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return Html.trusted(parts.map((part, i) => part + sourceOf(values[i] ?? null)).join(''));
}

function sourceOf(content: Content): string {
  if (content === null || content === false) return '';
  if (content instanceof Html) return content.toString();
  if (typeof content === 'object') return content.map(sourceOf).join('');
  // Characters that HTML does not allow become U+FFFD.
  return String(content)
    .replaceAll(/[^\P{Cc}\t\n\r]|[\p{Cs}\p{Noncharacter_Code_Point}]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

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
