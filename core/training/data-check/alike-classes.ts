import { found, quoted, withoutAnswers } from './check.ts';
import type { Check, Subject } from './check.ts';

/** Pairs of classes are told of when at least this share of their pictures is taken for the other one ... */
const SHARE = 0.15;
/** ... and at least so many are. */
const FEWEST = 3;
const SHOWN = 6;

export const alikeClasses: Check = {
  name: 'alike-classes',
  title: 'Classes that look alike',
  severity: 'advice',
  suggestion:
    'give them more pictures that show the difference; or make one class of them, if it does not matter',
  skipped: withoutAnswers,
  find({ subjects, answers }) {
    const taken = new Map<string, Subject[]>();
    const asked = new Map<string, number>();
    for (const { row, own, other, nearest } of answers ?? []) {
      const subject = subjects[row];
      const instead = subjects[nearest[0] ?? -1]?.picture.className;
      if (subject?.part !== 'training' || instead === undefined) continue;
      const { className } = subject.picture;
      asked.set(className, (asked.get(className) ?? 0) + 1);
      if (other.share <= own) continue;
      const pair = JSON.stringify([className, instead].toSorted());
      taken.set(pair, [...(taken.get(pair) ?? []), subject]);
    }
    return [...taken].flatMap(([pair, confused]) => {
      const [one = '', other = ''] = JSON.parse(pair) as string[];
      const all = (asked.get(one) ?? 0) + (asked.get(other) ?? 0);
      const share = confused.length / all;
      if (confused.length < FEWEST || share < SHARE) return [];
      return {
        message: `${quoted(one)} and ${quoted(other)} look alike: ${confused.length} of their ${all} pictures resemble the other class more`,
        pictures: [],
        evidence: confused.slice(0, SHOWN).map(found),
        classes: [one, other],
        certainty: Math.min(1, share),
      };
    });
  },
};
