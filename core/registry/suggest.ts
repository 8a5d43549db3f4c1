const SHOWN = 12;

/** " Did you mean ...? There are: ..." for a name that is not among `existing`; says so when nothing exists. */
export function suggest(wanted: string, existing: readonly string[], noun: string): string {
  if (existing.length === 0) return ` There is no ${noun} yet.`;
  const nearest = existing
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .reduce((best, each) => (each.distance < best.distance ? each : best));
  const isNear = wanted !== '' && nearest.distance <= Math.max(wanted.length > 3 ? 2 : 1, wanted.length / 3);
  const hint = isNear ? ` Did you mean "${nearest.name}"?` : '';
  const more = existing.length > SHOWN ? ` and ${existing.length - SHOWN} more` : '';
  return `${hint} There ${existing.length === 1 ? 'is' : 'are'}: ${existing.slice(0, SHOWN).join(', ')}${more}.`;
}

/** Levenshtein's distance: how many characters to insert, remove or replace. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
