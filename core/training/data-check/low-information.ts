import { found, quoted } from './check.ts';
import type { Check, Subject } from './check.ts';
import type { Finding } from './finding.ts';

/** Range of the thumbnail's samples, of 255, up to which an image counts as of one colour. */
const ONE_COLOUR = 4;
/** All that 16 bits hold. */
const ALL = 65_535;

/** Images of one colour, and images of 16 bits that use only a part of their range. */
export const lowInformation: Check = {
  name: 'low-information',
  title: 'Images of few levels',
  severity: 'advice',
  suggestion: 'remove blank images; save others with the range of levels that they use',
  find: ({ subjects }) => [...subjects.flatMap(blank), ...stretched(subjects)],
};

function blank(subject: Subject): Finding[] {
  const { thumbnail, key } = subject.picture;
  if (thumbnail === undefined) return [];
  const ranges = [0, 1, 2].map((channel) => {
    const samples = thumbnail.filter((_, i) => i % 3 === channel);
    return Math.max(...samples) - Math.min(...samples);
  });
  if (Math.max(...ranges) > ONE_COLOUR) return [];
  const message = `${quoted(key)} is of one colour`;
  return [{ message, pictures: [found(subject)], evidence: [], classes: [], certainty: 1 }];
}

/** One finding for all images of the same number of bits. */
function stretched(subjects: readonly Subject[]): Finding[] {
  const byRange = new Map<string, Subject[]>();
  for (const subject of subjects) {
    const { levels } = subject.picture;
    if (levels === undefined || (levels.black === 0 && levels.white === ALL)) continue;
    const range = levels.black === 0 ? `${Math.log2(levels.white + 1)} bits` : 'a narrow range';
    byRange.set(range, [...(byRange.get(range) ?? []), subject]);
  }
  return [...byRange].map(([range, of]) => ({
    message: `${of.length} image(s) use only ${range} of 16 bits; their range is stretched from black to white`,
    pictures: of.slice(0, 20).map(found),
    evidence: [],
    classes: [],
    certainty: 0.5,
  }));
}
