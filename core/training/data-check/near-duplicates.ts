import type { Picture } from '../../images/dataset.ts';
import { groupsOf } from '../../images/same-picture.ts';
import type { SamePicture } from '../../images/same-picture.ts';
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
  const pictures = subjects.map(({ picture }) => picture);
  const pairs = twins.filter((each) => isWithin(subjects, each));
  const firsts = groupsOf(
    pictures,
    pairs.map(({ a, b }): SamePicture => [pictures[a] as Picture, pictures[b] as Picture]),
  );
  const least = new Map<number, number>();
  for (const { a, likeness } of pairs) {
    const first = firsts[a] as number;
    least.set(first, Math.min(likeness, least.get(first) ?? 1));
  }
  return [...least].map(([first, certainty]) => {
    const same = subjects.filter((_, row) => firsts[row] === first);
    return {
      message: `${listed(same.map(({ picture }) => picture.key))} show the same picture`,
      pictures: same.map(found),
      evidence: [],
      classes: [...new Set(same.map(({ picture }) => picture.className))],
      certainty,
    };
  });
}

function isWithin(subjects: readonly Subject[], { a, b }: Twins): boolean {
  const [one, other] = [subjects[a], subjects[b]];
  return one?.part === other?.part && one?.picture.className === other?.picture.className;
}
