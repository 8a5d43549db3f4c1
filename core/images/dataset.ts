import { InvalidInputError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import type { Levels } from './levels.ts';

/** Side of a picture's thumbnail, in pixels. */
export const THUMBNAIL_SIZE = 32;

/** One picture of a data set. */
export interface Picture {
  /** `<class>/<file>`, unique in the data set. */
  readonly key: string;
  readonly className: string;
  /** SHA-256 of the file's bytes, hex. */
  readonly sha256: string;
  /**
   * The picture squashed to {@link THUMBNAIL_SIZE} x {@link THUMBNAIL_SIZE}, RGB, rows from the top, where the scan has
   * decoded it: enough to tell whether two files may show the same.
   */
  readonly thumbnail?: Uint8Array;
  /** Which samples of an image of 16 bits are black and white, where the scan has decoded it. */
  readonly levels?: Levels;
  /**
   * The file's bytes, read again each time.
   * @throws NotFoundError when it is gone, CorruptDataError when it is not the file any more that was scanned
   */
  read(): Promise<Uint8Array>;
}

/**
 * Something about a file that its owner should know. `duplicate-across-classes`: the same bytes under several
 * classes; these files are used all the same, for nothing says which class is right. `duplicate`: the same bytes as an
 * earlier file of the same class. `litter`: one line for all files in
 * recycle bins, snapshots and the like. All files but those of `duplicate-across-classes` are left out.
 */
export interface DataSetProblem {
  readonly key: string;
  readonly kind:
    'unreadable' | 'duplicate' | 'duplicate-across-classes' | 'misplaced' | 'outside' | 'bad-name' | 'litter';
  readonly reason: string;
}

/** Classes of pictures, sorted by class and then by file, in code-unit order. */
export interface DataSet {
  /** The folder's or data set's name. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly pictures: readonly Picture[];
  readonly problems: readonly DataSetProblem[];
}

/** A data set of these pictures in their right order, with their classes; problems sorted by key. */
export function dataSetOf(
  name: string,
  pictures: readonly Picture[],
  problems: readonly DataSetProblem[] = [],
): DataSet {
  const sorted = [...pictures].sort((a, b) => compare(a.className, b.className) || compare(a.key, b.key));
  return {
    name,
    classes: [...new Set(sorted.map((picture) => picture.className))],
    pictures: sorted,
    problems: [...problems].sort((a, b) => compare(a.key, b.key)),
  };
}

/** In code-unit order. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The pictures of each class, in the data set's order. */
export function picturesByClass(dataSet: DataSet): Map<string, Picture[]> {
  const byClass = new Map<string, Picture[]>(dataSet.classes.map((name) => [name, []]));
  for (const picture of dataSet.pictures) byClass.get(picture.className)?.push(picture);
  return byClass;
}

/** Classes of two pictures and more: only they can give an anchor and a positive. The others are gallery alone. */
export function trainableClasses(dataSet: DataSet): string[] {
  return [...picturesByClass(dataSet)].filter(([, pictures]) => pictures.length >= 2).map(([name]) => name);
}

/**
 * The data set without pictures that turned out to be unusable after the scan; they become problems.
 * @throws InvalidInputError when fewer than two classes are left
 */
export function withoutPictures(
  dataSet: DataSet,
  dropped: Iterable<{ readonly picture: Picture; readonly reason: string }>,
): DataSet {
  const reasons = new Map([...dropped].map(({ picture, reason }) => [picture.key, reason]));
  const problems = [...reasons].map(([key, reason]) => ({ key, kind: 'unreadable' as const, reason }));
  const pictures = dataSet.pictures.filter((picture) => !reasons.has(picture.key));
  return checkClasses(dataSetOf(dataSet.name, pictures, [...dataSet.problems, ...problems]));
}

/**
 * The same data set, if there is something to tell apart in it.
 * @throws InvalidInputError saying what was found instead, and the layout that is expected
 */
export function checkClasses(dataSet: DataSet, fewest: 1 | 2 = 2): DataSet {
  const { name, classes, pictures, problems } = dataSet;
  if (classes.length >= fewest) return dataSet;
  const found =
    classes[0] === undefined
      ? 'no readable picture'
      : `only the class ${quote(classes[0])} with ${pictures.length} readable picture(s)`;
  const hint = problems[0]
    ? ` The first problem: ${quote(problems[0].key)}, ${problems[0].reason}.`
    : pictures.length === 0
      ? ' Nothing is there at all: check the address.'
      : '';
  throw new InvalidInputError(
    `The data set ${quote(name)} has ${found} and ${problems.length} problem(s); at least ${fewest === 1 ? 'one picture is' : 'two classes are'} needed. ` +
      `The layout is one folder a class with its pictures in it: <class>/<file>.${hint}`,
  );
}
