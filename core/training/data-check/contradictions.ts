import { found, howAlike, quoted } from './check.ts';
import type { Check } from './check.ts';

export const contradictions: Check = {
  name: 'contradictions',
  title: 'Conflicting labels',
  severity: 'repair',
  suggestion: 'delete the image from the wrong class',
  find({ subjects, nearDuplicates }) {
    return nearDuplicates.flatMap((pair) => {
      const [a, b] = [subjects[pair.a], subjects[pair.b]];
      if (a === undefined || b === undefined || a.picture.className === b.picture.className) return [];
      // A mirrored letter may be another letter.
      if (a.part !== b.part || pair.isMirrored) return [];
      return {
        message: `${quoted(a.picture.key)} and ${quoted(b.picture.key)} are ${howAlike(pair)}`,
        pictures: [found(a), found(b)],
        evidence: [],
        classes: [a.picture.className, b.picture.className],
        certainty: pair.similarity,
      };
    });
  },
};
