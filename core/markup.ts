/** HTML and SVG whose values are escaped: whatever is put into a template is text, unless another template made it. */

/** Made by {@link html} only. */
export class Html {
  readonly #source: string;

  private constructor(source: string) {
    this.#source = source;
  }

  toString(): string {
    return this.#source;
  }

  /** The source as it is. Never for text from outside. */
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
  // Characters that HTML or XML does not allow become U+FFFD.
  return String(content)
    .replaceAll(/[^\P{Cc}\t\n\r]|[\p{Cs}\p{Noncharacter_Code_Point}]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
