import { found, howAlike, quoted } from './check.ts';
import type { Check } from './check.ts';

export const splitLeaks: Check = {
  name: 'split-leaks',
  title: 'Test images also in the training set',
  severity: 'repair',
  suggestion: 'delete one of each pair: the measured accuracy is too high',
  skipped: ({ subjects }) =>
    subjects.some(({ part }) => part === 'test') ? null : 'there are no test images',
  find({ subjects, nearDuplicates }) {
    return nearDuplicates.flatMap((pair) => {
      const both = [subjects[pair.a], subjects[pair.b]];
      const test = both.find((subject) => subject?.part === 'test');
      const learnt = both.find((subject) => subject?.part === 'training');
      if (test === undefined || learnt === undefined) return [];
      const [one, other] = [test.picture, learnt.picture];
      const isSame = one.className === other.className;
      // A mirrored letter may be another letter.
      if (pair.isMirrored && !isSame) return [];
      const also = isSame ? '' : ', under different classes';
      return {
        message: `test image ${quoted(one.key)} and training image ${quoted(other.key)} are ${howAlike(pair)}${also}`,
        pictures: [found(test), found(learnt)],
        evidence: [],
        classes: [...new Set([one.className, other.className])],
        certainty: pair.similarity,
      };
    });
  },
};
