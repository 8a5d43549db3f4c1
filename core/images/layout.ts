import { isLitter } from './litter.ts';

/** Where a file lies in a data set. */
export type Place =
  | { readonly className: string }
  | { readonly problem: { readonly kind: 'misplaced' | 'bad-name'; readonly reason: string } }
  | 'ignored';

/** Reads `<class>/<file>`; hidden files and litter of operating and storage systems are ignored wherever they lie. */
export function placeOf(key: string): Place {
  const parts = key.split('/');
  const [className, file, ...deeper] = parts;
  // A key that ends in "/" is how some S3 tools note an empty folder.
  if (parts.some(isLitter) || parts.at(-1) === '' || className === undefined) return 'ignored';
  if (/\p{Cc}|\p{Surrogate}/u.test(key)) {
    const reason = 'the name has a control character or half of a surrogate pair; rename it';
    return { problem: { kind: 'bad-name', reason } };
  }
  if (className === '') return { problem: { kind: 'bad-name', reason: 'the class has no name; rename it' } };
  if (file === undefined) {
    return { problem: { kind: 'misplaced', reason: "it lies in no class's folder; move it into one" } };
  }
  if (deeper.length > 0) {
    const reason = `it lies deeper than <class>/<file>; move it up into the folder of its class`;
    return { problem: { kind: 'misplaced', reason } };
  }
  return { className };
}
