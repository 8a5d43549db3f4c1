import { found, quoted } from './check.ts';
import type { Check } from './check.ts';
import { howAlike } from './twins.ts';

export const contradictions: Check = {
  name: 'contradictions',
  title: 'One picture under two classes',
  severity: 'repair',
  suggestion: 'delete it where it is wrong',
  find({ subjects, twins }) {
    return twins.flatMap((pair) => {
      const [a, b] = [subjects[pair.a], subjects[pair.b]];
      if (a === undefined || b === undefined || a.picture.className === b.picture.className) return [];
      // Mirrored, one thing may be another: a left shoe, a letter.
      if (a.part !== b.part || pair.isMirrored) return [];
      return {
        message: `${quoted(a.picture.key)} and ${quoted(b.picture.key)} are ${howAlike(pair)}`,
        pictures: [found(a), found(b)],
        evidence: [],
        classes: [a.picture.className, b.picture.className],
        certainty: pair.likeness,
      };
    });
  },
};
