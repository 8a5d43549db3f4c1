import { quoted } from './check.ts';
import type { Check } from './check.ts';

/** An anchor, a positive and a validation image. */
const FEWEST = 3;

export const thinClasses: Check = {
  name: 'thin-classes',
  title: 'Small classes',
  severity: 'advice',
  suggestion: `add images: training uses classes of ${FEWEST} and more in full, and accuracy is meaningful from about ten`,
  find({ subjects }) {
    const counts = new Map<string, number>();
    for (const { part, picture } of subjects) {
      const { className } = picture;
      if (part === 'training') counts.set(className, (counts.get(className) ?? 0) + 1);
    }
    return [...counts]
      .filter(([, count]) => count < FEWEST)
      .map(([name, count]) => ({
        message: `${quoted(name)} has ${count === 1 ? 'one training image' : `${count} training images`}`,
        pictures: [],
        evidence: [],
        classes: [name],
        certainty: 1,
      }));
  },
};
