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
    const changes = editDistance(wanted, folded);
    if (changes <= allowed && changes < bestChanges) [best, bestChanges] = [candidate, changes];
  }
  return best;
}

function fold(name: string): string[] {
  return Array.from(name.normalize('NFC').toLowerCase());
}

/** Insertions, deletions and substitutions between two texts (Levenshtein, 1966). */
export function editDistance(a: ArrayLike<string>, b: ArrayLike<string>): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
