import { found, quoted } from './check.ts';
import type { Check } from './check.ts';
import { howAlike } from './twins.ts';

export const splitLeaks: Check = {
  name: 'split-leaks',
  title: 'Test pictures that are also learnt from',
  severity: 'repair',
  suggestion:
    'delete one of the two: a version is right about what it has seen, so the accuracy looks better than it is',
  skipped: ({ subjects }) =>
    subjects.some(({ part }) => part === 'test') ? null : 'there are no test pictures',
  find({ subjects, twins }) {
    return twins.flatMap((pair) => {
      const both = [subjects[pair.a], subjects[pair.b]];
      const test = both.find((subject) => subject?.part === 'test');
      const learnt = both.find((subject) => subject?.part === 'training');
      if (test === undefined || learnt === undefined) return [];
      const [one, other] = [test.picture, learnt.picture];
      const isSame = one.className === other.className;
      // Mirrored, one thing may be another: a left shoe, a letter.
      if (pair.isMirrored && !isSame) return [];
      const also = isSame ? '' : ', and under another class';
      return {
        message: `the test picture ${quoted(one.key)} and ${quoted(other.key)}, which is learnt from, are ${howAlike(pair)}${also}`,
        pictures: [found(test), found(learnt)],
        evidence: [],
        classes: [...new Set([one.className, other.className])],
        certainty: pair.likeness,
      };
    });
  },
};
