import { nearestName } from './nearest-name.ts';

const SHOWN = 12;
/** Names that need no quotes to be told apart in a list. */
const PLAIN = /^[\w./@-]+$/;

/**
 * The second half of a "not found" message, with the space before it: " Did you mean ...? There are: ..." for a name that is
 * not among `existing`; says so when nothing exists.
 * @param noun what would exist, as "model in this registry"
 */
export function suggest(wanted: string, existing: readonly string[], noun: string): string {
  if (existing.length === 0) return ` There is no ${noun} yet.`;
  const nearest = wanted === '' ? null : nearestName(wanted, existing);
  const hint = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
  const shown = existing.slice(0, SHOWN).map((name) => (PLAIN.test(name) ? name : JSON.stringify(name)));
  const more = existing.length > SHOWN ? ` and ${existing.length - SHOWN} more` : '';
  return `${hint} There ${existing.length === 1 ? 'is' : 'are'}: ${shown.join(', ')}${more}.`;
}
