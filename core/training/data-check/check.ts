/** A check of a dataset, and its input. */
import type { DataSetProblem, Picture } from '../../images/dataset.ts';
import type { Answer } from './answers.ts';
import type { CheckResult, Finding, FoundPicture } from './finding.ts';
import type { NearDuplicate } from './near-duplicate-pairs.ts';

/** An image that is checked. */
export interface Subject {
  readonly part: FoundPicture['part'];
  readonly picture: Picture;
}

/** Near-duplicates, in the order of the rows. */
export interface SubjectPair extends Pick<NearDuplicate, 'similarity' | 'isMirrored'> {
  readonly one: Subject;
  readonly other: Subject;
  readonly isSameClass: boolean;
}

/** The input of every check. Rows count the training images, then the test images. */
export interface Material {
  readonly subjects: readonly Subject[];
  /** Problems that the scans found. */
  readonly problems: readonly { readonly part: FoundPicture['part']; readonly problem: DataSetProblem }[];
  readonly nearDuplicates: readonly SubjectPair[];
  /** How likely each image's label is; null where there are too few images. */
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
  return answers === null ? 'at least two classes of two images are needed' : null;
}

export function found({ part, picture }: Subject): FoundPicture {
  return { part, key: picture.key, class: picture.className };
}

/** The finding about a file that the scan left out. */
export function ofProblem({ part, problem: { key, reason } }: Material['problems'][number]): Finding {
  const className = key.split('/')[0] ?? '';
  const picture = { part, key, class: className };
  return {
    message: `${quoted(key)}: ${reason}`,
    pictures: [picture],
    evidence: [],
    classes: [className],
    certainty: 1,
  };
}

/** For a sentence: "a and b are ...". */
export function howAlike({ similarity, isMirrored }: SubjectPair): string {
  if (isMirrored) return 'the same image, mirrored';
  return similarity === 1 ? 'the same file' : 'the same image';
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
