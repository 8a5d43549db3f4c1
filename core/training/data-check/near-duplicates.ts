import { found, listed, quoted } from './check.ts';
import type { Check, Material, Subject } from './check.ts';
import type { Finding } from './finding.ts';
import type { Twins } from './twins.ts';

export const nearDuplicates: Check = {
  name: 'near-duplicates',
  title: 'Pictures that are there more than once',
  severity: 'advice',
  suggestion: 'keep the best of each and delete the others: they teach nothing and count more than once',
  find: (material) => [...ofSameBytes(material), ...ofSamePicture(material)],
};

/** The scan has left them out already. */
function ofSameBytes({ problems }: Material): Finding[] {
  return problems
    .filter(({ problem }) => problem.kind === 'duplicate')
    .map(({ part, problem: { key, reason } }) => ({
      message: `${quoted(key)}: ${reason}`,
      pictures: [{ part, key, class: key.split('/')[0] ?? '' }],
      evidence: [],
      classes: [key.split('/')[0] ?? ''],
      certainty: 1,
    }));
}

/** One finding for all pictures that hang together, within a class of one part: elsewhere it is worse than a waste. */
function ofSamePicture({ subjects, twins }: Material): Finding[] {
  const groups = new Map<number, Set<number>>();
  const least = new Map<Set<number>, number>();
  for (const pair of twins.filter((each) => isWithin(subjects, each))) {
    const [one, other] = [groups.get(pair.a) ?? new Set([pair.a]), groups.get(pair.b) ?? new Set([pair.b])];
    const both = new Set([...one, ...other]);
    for (const row of both) groups.set(row, both);
    least.set(both, Math.min(pair.likeness, least.get(one) ?? 1, least.get(other) ?? 1));
  }
  return [...new Set(groups.values())].map((group) => {
    const same = [...group].toSorted((a, b) => a - b).flatMap((row) => subjects[row] ?? []);
    return {
      message: `${listed(same.map(({ picture }) => picture.key))} show the same picture`,
      pictures: same.map(found),
      evidence: [],
      classes: [...new Set(same.map(({ picture }) => picture.className))],
      certainty: least.get(group) ?? 1,
    };
  });
}

function isWithin(subjects: readonly Subject[], { a, b }: Twins): boolean {
  const [one, other] = [subjects[a], subjects[b]];
  return one?.part === other?.part && one?.picture.className === other?.picture.className;
}
