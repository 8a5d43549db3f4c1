import { found, quoted, withoutAnswers } from './check.ts';
import type { Check } from './check.ts';

/** Prior: one label in so many is wrong. A label is reported when it is more likely wrong than right. See docs/data-check.md. */
const ONE_IN = 50;

export const wrongLabels: Check = {
  name: 'wrong-labels',
  title: 'Likely wrong labels',
  severity: 'advice',
  suggestion: 'compare the image with those it resembles; move a mislabelled file to the folder of its class',
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
