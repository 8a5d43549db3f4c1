import { nearestName } from '../nearest-name.ts';

const SHOWN = 12;

/** " Did you mean ...? There are: ..." for a name that is not among `existing`; says so when nothing exists. */
export function suggest(wanted: string, existing: readonly string[], noun: string): string {
  if (existing.length === 0) return ` There is no ${noun} yet.`;
  const nearest = wanted === '' ? null : nearestName(wanted, existing);
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  const more = existing.length > SHOWN ? ` and ${existing.length - SHOWN} more` : '';
  return `${hint} There ${existing.length === 1 ? 'is' : 'are'}: ${existing.slice(0, SHOWN).join(', ')}${more}.`;
}
