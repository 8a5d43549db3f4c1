import { found, howAlike, quoted } from './check.ts';
import type { Check } from './check.ts';

export const contradictions: Check = {
  name: 'contradictions',
  title: 'Conflicting labels',
  severity: 'repair',
  suggestion: 'delete the image from the wrong class',
  find: ({ nearDuplicates }) =>
    nearDuplicates
      // A mirrored letter may be another letter.
      .filter((pair) => pair.one.part === pair.other.part && !pair.isSameClass && !pair.isMirrored)
      .map((pair) => ({
        message: `${quoted(pair.one.picture.key)} and ${quoted(pair.other.picture.key)} are ${howAlike(pair)}`,
        pictures: [found(pair.one), found(pair.other)],
        evidence: [],
        classes: [pair.one.picture.className, pair.other.picture.className],
        certainty: pair.similarity,
      })),
};
