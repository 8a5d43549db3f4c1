import { distance } from 'fastest-levenshtein';

/**
 * The known name with the fewest changed letters, or null where none is near: at most a third may have changed, in a
 * short name two, in one of up to three letters one. Case and forms of Unicode that look alike do not count.
 */
export function nearestName(name: string, known: readonly string[]): string | null {
  const wanted = fold(name);
  const short = wanted.length > 3 ? 2 : 1;
  let best: string | null = null;
  let bestChanges = Infinity;
  for (const candidate of known) {
    const folded = fold(candidate);
    const allowed = Math.max(short, Math.floor(Math.max(wanted.length, folded.length) / 3));
    if (Math.abs(wanted.length - folded.length) > allowed) continue;
    const changes = distance(wanted, folded);
    if (changes <= allowed && changes < bestChanges) [best, bestChanges] = [candidate, changes];
  }
  return best;
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
