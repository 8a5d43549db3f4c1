/** Nothing that a name or a message holds may steer the terminal: what would is shown as an escape instead. */

// C0 and C1 controls, line separators, marks that turn the writing direction of what follows, halves of surrogate pairs.
const STEERING = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** One line: line breaks and tabs are escaped too. */
export function escapeLine(text: string): string {
  return text.replace(STEERING, escapeOne);
}

/** Several lines: their breaks stay. */
export function escapeText(text: string): string {
  return text.replace(STEERING, (character) => (character === '\n' ? character : escapeOne(character)));
}

/** A JSON document that is safe on a terminal and equal when parsed. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(STEERING, (character) =>
    character === '\n' ? character : jsonEscape(character),
  );
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeOne(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : jsonEscape(character);
}

function jsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
