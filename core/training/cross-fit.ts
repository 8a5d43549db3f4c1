/**
 * What pictures would have been told by a whitening and a gallery that never saw them: the honest ground for thresholds,
 * and for the choice of the decision rule. The whitening draws the pictures it is made from together, so that their own
 * distances say nothing of new ones.
 */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import type { PairDistances } from '../gallery/calibration.ts';
import type { LeftOut } from '../gallery/leave-one-out.ts';
import type { Rule } from '../gallery/rules.ts';
import { groupsByClass } from '../images/same-picture.ts';
import { tf } from '../network/tensorflow.ts';
import type { Random } from '../random.ts';
import { type ClassDistances, classDistances } from './class-distances.ts';
import { distances } from './distances/index.ts';
import { eachWhitening, type Whiten } from './whitening.ts';

/**
 * Rows in `count` parts, each with its share of every class. Classes of one picture are in none: they are only looked at.
 * @param groups rows of one group go to one part, see {@link groupsByClass}
 */
export function stratifiedFolds(
  labels: Int32Array,
  count: number,
  random: Random,
  groups: Int32Array = Int32Array.from(labels.keys()),
): Int32Array[] {
  const folds = Array.from({ length: count }, (): number[] => []);
  let next = 0;
  for (const own of groupsByClass(labels, groups).values()) {
    if (own.length < 2) continue;
    for (const rows of random.shuffle([...own])) folds[next++ % count]?.push(...rows);
  }
  return folds.filter((fold) => fold.length > 0).map((fold) => Int32Array.from(fold));
}

/** Ways to whiten and to decide. */
export interface CrossFitOptions {
  readonly dimensions: number;
  readonly shrinkages: readonly number[];
  readonly rules: readonly Rule[];
  /** Awaited between parts of the work, of which each may take seconds; may stop it by throwing. */
  readonly pause?: () => Promise<void>;
}

/** What the rows were told in one of the ways. */
export interface CrossFitted {
  readonly shrinkage: number;
  readonly rule: Rule;
  readonly leftOut: LeftOut[];
  /** Of two pictures of classes that the whitening never saw. */
  readonly pairs: PairDistances;
  /** Share of the asked rows that were told their class; NaN when none was asked for. */
  readonly accuracy: number;
  /** The same where some classes were added to the gallery after the whitening was made; NaN with a single class. */
  readonly accuracyWithAdded: number;
}

/**
 * Asks for each fold's rows in every way, three times: with whitening and gallery made of all other rows; as strangers, with whitening and
 * gallery made of the rows of other classes, for a class that the whitening has seen is farther from the others than one that it has not;
 * and with a quarter of the classes added to the gallery without having been seen by the whitening. Of very many rows some are asked for.
 * @param features (n,d) @param folds rows that are asked for together
 * @returns by shrinkage, then by rule, in the order they are given in
 */
export async function crossFit(
  features: Tensor2D,
  labels: Int32Array,
  folds: readonly Int32Array[],
  options: CrossFitOptions,
): Promise<CrossFitted[]> {
  const questions = folds.map((fold) => thinned(fold, Math.ceil(MOST_ASKED / folds.length)));
  const asked = new Set(questions.flatMap((rows) => [...rows]));
  const parts = partsByClass(labels);
  const ask = async (rows: Int32Array, known: Int32Array, whitenedBy = known): Promise<Told[]> => {
    await options.pause?.();
    return tell(features, labels, { rows, known, whitenedBy }, options);
  };
  const byFold: Told[][] = [];
  for (const rows of questions) byFold.push(await ask(rows, others(labels, new Set(rows))));
  const pairs = options.shrinkages.map((): PairDistances => ({ same: [], different: [] }));
  const asStrangers: Told[][] = [];
  const withAdded: Told[][] = [];
  for (const [part, isOut] of parts.entries()) {
    const out = rowsWhere(labels, (row) => isOut(row) && asked.has(row));
    const rest = rowsWhere(labels, (row) => !isOut(row));
    asStrangers.push(await ask(out, rest));
    addPairs(pairs, features, labels, { rows: thinned(out, MOST_PAIRED), known: rest }, options);
    const rows = questions[part % questions.length];
    if (rows === undefined) continue;
    const known = others(labels, new Set(rows));
    const seen = known.filter((row) => !isOut(row));
    withAdded.push(await ask(rows, known, seen));
  }
  const ways = options.shrinkages.flatMap((shrinkage) => options.rules.map((rule) => ({ shrinkage, rule })));
  return ways.map((way, at) => {
    const merged = (tellings: readonly Told[][]): Told =>
      new Map(tellings.flatMap((one) => [...(one[at] as Told)]));
    const strangers = merged(asStrangers);
    const told = merged(byFold);
    return {
      ...way,
      leftOut: [...told].map(([row, { own, others: nearest }]) => {
        const stranger = strangers.get(row)?.others;
        return { row, own, others: nearest, ...(stranger && { stranger }) };
      }),
      pairs: pairs[options.shrinkages.indexOf(way.shrinkage)] as PairDistances,
      accuracy: accuracyOf([...told.values()]),
      accuracyWithAdded: accuracyOf(withAdded.flatMap((one) => [...(one[at] as Told).values()])),
    };
  });
}

type NearestClasses = Pick<LeftOut, 'own' | 'others'>;
/** By row asked for. */
type Told = Map<number, NearestClasses>;

/** More make no choice better, and the work grows with them. */
export const MOST_ASKED = 2000;

/** Parts that the classes are left out in. */
const CLASS_PARTS = 4;

/** Parts of the rows, each with all rows of its classes; none of a single class, for it leaves nothing to compare with. */
function partsByClass(labels: Int32Array): ((row: number) => boolean)[] {
  const numbers = new Map([...new Set(labels)].map((label, i) => [label, i]));
  const count = Math.min(CLASS_PARTS, numbers.size);
  if (count < 2) return [];
  const partOf = (row: number): number => (numbers.get(labels[row] as number) as number) % count;
  return Array.from({ length: count }, (_, part) => (row: number) => partOf(row) === part);
}

function rowsWhere(labels: Int32Array, holds: (row: number) => boolean): Int32Array {
  return Int32Array.from(labels.keys()).filter((row) => holds(row));
}

const others = (labels: Int32Array, rows: ReadonlySet<number>): Int32Array =>
  rowsWhere(labels, (row) => !rows.has(row));

interface Question {
  readonly rows: Int32Array;
  /** The gallery. */
  readonly known: Int32Array;
  readonly whitenedBy: Int32Array;
}

/** How far each row is from its own class and from the two nearest others, in every way. */
function tell(
  features: Tensor2D,
  labels: Int32Array,
  { rows, known, whitenedBy }: Question,
  { rules, dimensions, shrinkages }: CrossFitOptions,
): Told[] {
  const ways = shrinkages.length * rules.length;
  if (rows.length === 0 || whitenedBy.length === 0) return Array.from({ length: ways }, () => new Map());
  const labelsOf = (some: Int32Array): Int32Array => some.map((row) => labels[row] as number);
  const told: Told[][] = [];
  tf.tidy(() => {
    const visit = (whiten: Whiten): Told[] =>
      classDistances(whiten(known), labelsOf(known), whiten(rows), rules).map((toClasses) =>
        nearestOf(rows, labels, toClasses),
      );
    const options = { dimensions, shrinkages };
    told.push(...eachWhitening(features, whitenedBy, labelsOf(whitenedBy), options, visit));
  });
  return told.flat();
}

/** More pictures make no better thresholds, and their pairs many more numbers. */
const MOST_PAIRED = 300;

/** An even choice of the rows. */
function thinned(rows: Int32Array, most: number): Int32Array {
  const step = Math.ceil(rows.length / most);
  return rows.filter((_, i) => i % step === 0);
}

/** Adds the distances between the rows, whitened by the known ones, for each shrinkage. */
function addPairs(
  pairs: readonly PairDistances[],
  features: Tensor2D,
  labels: Int32Array,
  { rows, known }: Omit<Question, 'whitenedBy'>,
  { dimensions, shrinkages }: CrossFitOptions,
): void {
  if (rows.length < 2 || known.length === 0) return;
  tf.tidy(() => {
    const knownLabels = known.map((row) => labels[row] as number);
    const all = eachWhitening(features, known, knownLabels, { dimensions, shrinkages }, (whiten) => {
      const whitened = whiten(rows);
      return distances['squared-euclidean'].pairwise(whitened, whitened).arraySync();
    });
    for (const [i, apart] of all.entries()) sortPairs(pairs[i] as PairDistances, apart, rows, labels);
  });
}

function sortPairs(
  { same, different }: PairDistances,
  apart: readonly (readonly number[])[],
  rows: Int32Array,
  labels: Int32Array,
): void {
  for (const [i, row] of rows.entries()) {
    for (let j = i + 1; j < rows.length; j++) {
      const kind = labels[row] === labels[rows[j] as number] ? same : different;
      kind.push(apart[i]?.[j] as number);
    }
  }
}

function nearestOf(rows: Int32Array, labels: Int32Array, toClasses: ClassDistances): Told {
  const found = Array.from(rows, (row, i): [number, NearestClasses] => {
    const toClass = new Map(toClasses[i]);
    const label = labels[row] as number;
    const own = toClass.get(label) ?? null;
    toClass.delete(label);
    const [first = null, second = null] = [...toClass.values()].sort((a, b) => a - b);
    return [row, { own, others: [first, second] }];
  });
  return new Map(found);
}

function accuracyOf(told: readonly NearestClasses[]): number {
  const right = told.filter(({ own, others: [other] }) => own !== null && (other === null || own < other));
  return right.length / told.length;
}

/** Rows asked for at once. */
const BLOCK = 256;

/**
 * Visits each of the asked rows with its squared distances to the known rows, whitened by the known ones.
 * @param visit what it is given holds only until it returns
 */
export function whitenedDistances(
  features: Tensor2D,
  asked: Int32Array,
  known: Int32Array,
  knownLabels: Int32Array,
  { shrinkage, dimensions }: { readonly shrinkage: number; readonly dimensions: number },
  visit: (row: number, distances: Float32Array) => void,
): void {
  const count = known.length;
  eachWhitening(features, known, knownLabels, { shrinkages: [shrinkage], dimensions }, (whiten) => {
    const to = whiten(known);
    for (let start = 0; start < asked.length; start += BLOCK) {
      const rows = asked.subarray(start, start + BLOCK);
      const apart = tf.tidy(() => distances['squared-euclidean'].pairwise(whiten(rows), to));
      const numbers = apart.dataSync<'float32'>();
      apart.dispose();
      for (const [i, row] of rows.entries()) visit(row, numbers.subarray(i * count, (i + 1) * count));
    }
  });
}
