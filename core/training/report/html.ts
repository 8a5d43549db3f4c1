/** HTML that cannot be broken by what it shows: whatever is put into a template is text, unless it is HTML made by another template. */
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
  return escapeHtml(String(content));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML's content and quoted attributes; characters that HTML does not allow become U+FFFD. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(/[^\P{Cc}\t\n\r]|[\p{Cs}\p{Noncharacter_Code_Point}]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
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
