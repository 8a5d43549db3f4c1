const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
// Letters and signs that terminals and fonts draw twice as wide.
const WIDE =
  /\p{Extended_Pictographic}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff00-\uff60]/u;
// Control characters, line separators, and the marks that turn the direction of all text after them.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** How many columns of a terminal a text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOf(segment);
  return width;
}

/**
 * The text in at most `columns` columns: the middle of a longer one gives way to an ellipsis, because names often differ at their ends.
 * Nothing in it can move a terminal's cursor.
 */
export function fitText(text: string, columns: number): string {
  const safe = text.replaceAll(UNPRINTABLE, '\ufffd');
  if (textWidth(safe) <= columns) return safe;
  const parts = Array.from(graphemes.segment(safe), ({ segment }) => segment);
  const end = takeColumns(parts.toReversed(), Math.floor((columns - 1) / 2)).toReversed();
  const start = takeColumns(parts, columns - 1 - textWidth(end.join('')));
  return `${start.join('')}…${end.join('')}`;
}

/** As many of the first parts as fit. */
function takeColumns(parts: readonly string[], columns: number): string[] {
  let width = 0;
  const tooWide = parts.findIndex((part) => (width += widthOf(part)) > columns);
  return parts.slice(0, tooWide < 0 ? parts.length : tooWide);
}

/** The text with spaces after it, `columns` columns wide; shortened when it is longer. */
export function padText(text: string, columns: number): string {
  const fitted = fitText(text, columns);
  return fitted + ' '.repeat(columns - textWidth(fitted));
}

function widthOf(grapheme: string): number {
  return WIDE.test(grapheme) ? 2 : 1;
}
