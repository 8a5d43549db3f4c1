import { quoted } from './check.ts';
import type { Check } from './check.ts';

/** An anchor, a positive, and one to choose on how long to train. */
const FEWEST = 3;

export const thinClasses: Check = {
  name: 'thin-classes',
  title: 'Thin classes',
  severity: 'advice',
  suggestion: `add pictures: with ${FEWEST} a class takes part in all of the training, and from about ten on figures can be believed`,
  find({ subjects }) {
    const counts = new Map<string, number>();
    for (const { part, picture } of subjects) {
      const { className } = picture;
      if (part === 'training') counts.set(className, (counts.get(className) ?? 0) + 1);
    }
    return [...counts]
      .filter(([, count]) => count < FEWEST)
      .map(([name, count]) => ({
        message:
          count === 1
            ? `${quoted(name)} has one picture to learn from: it is known by that alone, and nothing is learnt of it`
            : `${quoted(name)} has ${count} pictures to learn from: none can be kept aside to choose on`,
        pictures: [],
        evidence: [],
        classes: [name],
        certainty: 1,
      }));
  },
};
