import { found, quoted, withoutAnswers } from './check.ts';
import type { Check } from './check.ts';

/**
 * How seldom labels are wrong, before anything is known of a picture: one in so many. A picture is told of when, with
 * that in mind, its label is more likely wrong than right. docs/data-check.md has how often that is so.
 */
const ONE_IN = 50;

export const wrongLabels: Check = {
  name: 'wrong-labels',
  title: 'Likely wrong labels',
  severity: 'advice',
  suggestion: 'look at the picture beside those that it resembles; move the file to the folder of its class',
  skipped: withoutAnswers,
  find({ subjects, answers }) {
    return (answers ?? []).flatMap(({ row, own, other, nearest }) => {
      const odds = other.share / Math.max(own, 1e-12);
      const subject = subjects[row];
      const evidence = nearest.flatMap((near) => subjects[near] ?? []).map(found);
      const instead = evidence[0]?.class;
      if (odds <= ONE_IN || subject === undefined || instead === undefined) return [];
      const { key, className } = subject.picture;
      return {
        message: `${quoted(key)} looks like ${quoted(instead)}`,
        pictures: [found(subject)],
        evidence,
        classes: [className, instead],
        certainty: odds / (odds + ONE_IN),
      };
    });
  },
};
