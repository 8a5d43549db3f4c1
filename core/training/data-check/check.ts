/** What a check is, and what it looks at. */
import type { DataSetProblem, Picture } from '../../images/dataset.ts';
import type { Answer } from './answers.ts';
import type { CheckResult, Finding, FoundPicture } from './finding.ts';
import type { Twins } from './twins.ts';

/** A picture that is looked at. */
export interface Subject {
  readonly part: FoundPicture['part'];
  readonly picture: Picture;
}

/** Everything that checks are given. Rows count the pictures learnt from, then those judged on. */
export interface Material {
  readonly subjects: readonly Subject[];
  /** What the scans had to say. */
  readonly problems: readonly { readonly part: FoundPicture['part']; readonly problem: DataSetProblem }[];
  /** Pairs of rows that show the same picture. */
  readonly twins: readonly Twins[];
  /** What pictures would be taken for by their label's rivals; null where there are too few to ask. */
  readonly answers: readonly Answer[] | null;
}

/** One kind of fault: a file of this folder, named in `index.ts`. */
export interface Check extends Pick<CheckResult, 'title' | 'severity' | 'suggestion'> {
  readonly name: string;
  /** Why it cannot be looked for; null: it can. */
  skipped?(material: Material): string | null;
  /** In any order. */
  find(material: Material): Finding[];
}

/** For checks that rest on answers. */
export function withoutAnswers({ answers }: Material): string | null {
  return answers === null ? 'two classes of two pictures are needed to compare' : null;
}

export function found({ part, picture }: Subject): FoundPicture {
  return { part, key: picture.key, class: picture.className };
}

/** A name in a sentence. */
export const quoted = (name: string): string => JSON.stringify(name);

/** "a", "a and b", "a, b and c"; after a few, how many more. */
export function listed(names: readonly string[], most = 4): string {
  const shown = names.slice(0, most).map(quoted);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return [shown.slice(0, -1).join(', '), shown.at(-1)].filter(Boolean).join(' and ');
}
