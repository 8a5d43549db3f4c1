import { found, quoted, withoutAnswers } from './check.ts';
import type { Check, Subject } from './check.ts';

/** Least share of the images of two classes that resemble the other class more ... */
const SHARE = 0.15;
/** ... and their least number. */
const FEWEST = 3;
const SHOWN = 6;

export const alikeClasses: Check = {
  name: 'alike-classes',
  title: 'Similar classes',
  severity: 'advice',
  suggestion: 'add images that show the difference, or merge the classes',
  skipped: withoutAnswers,
  find({ subjects, answers }) {
    const taken = new Map<string, Subject[]>();
    const total = new Map<string, number>();
    for (const { row, own, other, nearest } of answers ?? []) {
      const subject = subjects[row];
      const instead = subjects[nearest[0] ?? -1]?.picture.className;
      if (subject?.part !== 'training' || instead === undefined) continue;
      const { className } = subject.picture;
      total.set(className, (total.get(className) ?? 0) + 1);
      if (other.share <= own) continue;
      const pair = JSON.stringify([className, instead].toSorted());
      taken.set(pair, [...(taken.get(pair) ?? []), subject]);
    }
    return [...taken].flatMap(([pair, confused]) => {
      const [one = '', other = ''] = JSON.parse(pair) as string[];
      const all = (total.get(one) ?? 0) + (total.get(other) ?? 0);
      const share = confused.length / all;
      if (confused.length < FEWEST || share < SHARE) return [];
      return {
        message: `${quoted(one)} and ${quoted(other)} look alike: ${confused.length} of their ${all} images resemble the other class more`,
        pictures: [],
        evidence: confused.slice(0, SHOWN).map(found),
        classes: [one, other],
        certainty: Math.min(1, share),
      };
    });
  },
};
