import { found, howAlike, quoted } from './check.ts';
import type { Check } from './check.ts';

export const splitLeaks: Check = {
  name: 'split-leaks',
  title: 'Test images also in the training set',
  severity: 'repair',
  suggestion: 'delete one of each pair: the measured accuracy is too high',
  skipped: ({ subjects }) =>
    subjects.some(({ part }) => part === 'test') ? null : 'there are no test images',
  find: ({ nearDuplicates }) =>
    nearDuplicates
      // A mirrored letter may be another letter. Training images come first.
      .filter((pair) => pair.one.part !== pair.other.part && (pair.isSameClass || !pair.isMirrored))
      .map((pair) => {
        const { one: training, other: test, isSameClass } = pair;
        const also = isSameClass ? '' : ', under different classes';
        return {
          message: `test image ${quoted(test.picture.key)} and training image ${quoted(training.picture.key)} are ${howAlike(pair)}${also}`,
          pictures: [found(test), found(training)],
          evidence: [],
          classes: [...new Set([test.picture.className, training.picture.className])],
          certainty: pair.similarity,
        };
      }),
};
