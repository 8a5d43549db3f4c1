/**
 * Within-class whitening, in closed form: directions in which pictures of one class differ are shrunk, so that what is
 * left to tell is the class. Then as few dimensions as asked for.
 *
 *   S = sum over rows (x - mean of its class)(x - mean of its class)' / (n - classes)
 *   C = (1 - shrinkage) S + shrinkage (trace S / d) I          (Ledoit and Wolf 2004, toward the mean variance)
 *   y = (x - mean) C^(-1/2) P
 *
 * P keeps the principal directions of the whitened training features: with n pictures these are fewer than n, and inner
 * products with training pictures stay exact. Dimensions that are left over hold a random projection of everything
 * else (Johnson and Lindenstrauss 1984), so that classes added later can be told apart too. Of very many pictures, S and
 * P are made from an even draw.
 *
 * With d numbers a picture and only n pictures, C has n - classes directions of its own and is a multiple of I on the
 * others, so nothing larger than n x n or d x dimensions is ever made where n < d.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../errors.ts';
import { unitLength } from '../network/ops/l2-normalize.ts';
import { backend, bool, float, matMul } from '../network/raw-ops.ts';
import { tf } from '../network/tensorflow.ts';
import { Random } from '../random.ts';
import { rowsByLabel } from './batches.ts';
import { takeRows } from './mapped-rows.ts';

export interface Whitening {
  /** (d, dimensions), row-major. */
  readonly kernel: Float32Array;
  /** Minus the mean times the kernel, so that y = x kernel + bias. */
  readonly bias: Float32Array;
}

export interface WhiteningOptions {
  /** In (0, 1]. */
  readonly shrinkage: number;
  /** Numbers kept; d or more keeps all d, without P. */
  readonly dimensions: number;
  /** Of the random projection. @default 0 */
  readonly seed?: number;
}

/** @param features (n,d) @param labels n class numbers */
export function withinClassWhitening(
  features: Tensor2D,
  labels: Int32Array,
  options: WhiteningOptions,
): Whitening {
  const { dimensions, seed = 0 } = options;
  const [kernel, bias] = tf.tidy(() => {
    const { mean, whitener, sample } = fitted(features, allRows(labels), labels, options, ENOUGH_ROWS);
    const whiten = whitener(options.shrinkage);
    const d = features.shape[1];
    const basis = dimensions >= d ? tf.eye(d) : projection(whiten(sample.sub(mean)), dimensions, seed);
    const made = whiten(basis.transpose()).transpose();
    return [made, matMul(mean.neg(), made)];
  }) as [Tensor, Tensor];
  const whitening = { kernel: kernel.dataSync() as Float32Array, bias: bias.dataSync() as Float32Array };
  tf.dispose([kernel, bias]);
  return whitening;
}

/** Whitened rows, of unit length, as the network gives them: (n,d) -> (n,dimensions). */
export function applyWhitening(features: Tensor2D, { kernel, bias }: Whitening): Tensor2D {
  return tf.tidy(() => {
    const moved = tf.matMul(features, tf.tensor2d(kernel, [features.shape[1], bias.length])).add(bias);
    return unitLength(moved) as Tensor2D;
  });
}

/** What m of the rows become: (m,dimensions or more), of unit length. */
export type Whiten = (rows: Int32Array) => Tensor2D;

/**
 * Visits the whitening of every shrinkage, without ever making a kernel. Inner products of what it makes are those after
 * {@link withinClassWhitening}, or what these approximate where there are fewer principal directions than dimensions, or more than
 * {@link ENOUGH_TO_COMPARE} rows.
 * @param features (n,d) @param rows that the whitening is made of @param labels of these
 * @param visit nothing of its tensors is kept @returns what it returned, in the order of the shrinkages
 */
export function eachWhitening<T>(
  features: Tensor2D,
  rows: Int32Array,
  labels: Int32Array,
  {
    shrinkages,
    ...options
  }: Omit<WhiteningOptions, 'shrinkage'> & { readonly shrinkages: readonly number[] },
  visit: (whiten: Whiten) => T,
): T[] {
  const made: T[] = [];
  tf.tidy(() => {
    const fit = fitted(features, rows, labels, options, ENOUGH_TO_COMPARE);
    for (const shrinkage of shrinkages) {
      // Nothing is returned: tfjs looks for tensors in whatever a tidy returns, number by number.
      tf.tidy(() => {
        const whiten = unitWhitener(fit, shrinkage, options.dimensions);
        made.push(visit((some) => inBlocks(features, some, whiten)));
      });
    }
  });
  return made;
}

/** Rows at once: 1,024 of the default recipe are 84 MB, and all of them may be more than memory holds. */
const BLOCK = 1024;

function inBlocks(features: Tensor2D, rows: Int32Array, make: (block: Tensor2D) => Tensor2D): Tensor2D {
  const blocks = Array.from({ length: Math.max(1, Math.ceil(rows.length / BLOCK)) }, (_, i) =>
    tf.tidy(() => make(taken(features, rows.subarray(i * BLOCK, (i + 1) * BLOCK)))),
  );
  return tf.concat(blocks, 0);
}

/** (1,d) */
function meanOf(features: Tensor2D, rows: Int32Array): Tensor {
  if (rows.length <= BLOCK) return taken(features, rows).mean(0, true);
  return inBlocks(features, rows, (block) => block.sum(0, true))
    .sum(0, true)
    .div(rows.length);
}

const taken = (features: Tensor2D, rows: Int32Array): Tensor2D => takeRows(features, rows) as Tensor2D;
const allRows = (labels: Int32Array): Int32Array => Int32Array.from(labels.keys());

/** What turns rows (m,d) into (m,dimensions or more), of unit length. */
function unitWhitener(
  { mean, sample, whitener }: Fitted,
  shrinkage: number,
  dimensions: number,
): (rows: Tensor2D) => Tensor2D {
  const whiten = whitener(shrinkage);
  const [n, d] = sample.shape;
  const all = (rows: Tensor2D): Tensor2D => unitLength(whiten(rows.sub(mean))) as Tensor2D;
  if (Math.min(n, d) <= dimensions) return all;
  const basis = principal(whiten(sample.sub(mean)), 1).directions;
  const count = basis.shape[1] as number;
  if (count <= dimensions) return all;
  const kept = tf.slice(basis, [0, count - dimensions]);
  return (rows) => unitLength(matMul(whiten(rows.sub(mean)), kept)) as Tensor2D;
}

/** Rows that say enough of how pictures of a class differ; eigenvectors of more would take minutes. */
const ENOUGH_ROWS = 2048;
/** The same where one whitening after the other is made to choose among them. */
const ENOUGH_TO_COMPARE = 1024;

interface Fitted {
  readonly mean: Tensor;
  /** The rows that the rest is made from. */
  readonly sample: Tensor2D;
  /** Multiplies centred rows by C^(-1/2). @throws InvalidInputError when the shrinkage is out of range */
  readonly whitener: (shrinkage: number) => (rows: Tensor) => Tensor;
}

/** @param labels of the rows */
function fitted(
  features: Tensor2D,
  rows: Int32Array,
  labels: Int32Array,
  { seed = 0 }: Pick<WhiteningOptions, 'seed'>,
  most: number,
): Fitted {
  const drawn = evenlyDrawn(labels, most, new Random(seed));
  const own = drawn.map((i) => labels[i] as number);
  const sample = taken(
    features,
    drawn.map((i) => rows[i] as number),
  );
  const whitener = whitenerOf(withinClassResiduals(sample, own), degreesOfFreedom(own));
  return { mean: meanOf(features, rows), sample, whitener };
}

/** So many rows, of every class as many as it has or as are its share; all, where there are no more than that. */
function evenlyDrawn(labels: Int32Array, count: number, random: Random): Int32Array {
  if (labels.length <= count) return allRows(labels);
  const classes = rowsByLabel(labels).map((rows) => random.shuffle([...rows]));
  const drawn: number[] = [];
  for (let turn = 0; drawn.length < count; turn++) {
    for (const rows of classes) {
      const row = rows[turn];
      if (row !== undefined && drawn.length < count) drawn.push(row);
    }
  }
  return Int32Array.from(drawn).sort();
}

function degreesOfFreedom(labels: Int32Array): number {
  return Math.max(1, labels.length - new Set(labels).size);
}

/** Each row minus the mean of its class. */
function withinClassResiduals(features: Tensor2D, labels: Int32Array): Tensor {
  const numbers = new Map([...new Set(labels)].map((label, i) => [label, i]));
  if (numbers.size < 2) return features.sub(features.mean(0, true));
  const rows = Array.from(labels, (label) => numbers.get(label) as number);
  return tf.tidy(() => {
    const member = tf.oneHot(tf.tensor1d(rows, 'int32'), numbers.size).toFloat();
    const means = matMul(member, features, true, false).div(member.sum(0).expandDims(1));
    return features.sub(matMul(member, means));
  });
}

/** By shrinkage, what multiplies rows (m,d) by the symmetric C^(-1/2) of the formula above, without ever making it. */
function whitenerOf(residuals: Tensor, freedom: number): Fitted['whitener'] {
  const d = residuals.shape[1] as number;
  const { values, directions } = principal(residuals, freedom);
  const trace = tf.tidy(() => residuals.square().sum().div(freedom));
  return (shrinkage) => {
    if (!(shrinkage > 0 && shrinkage <= 1)) {
      throw new InvalidInputError(`whitening: shrinkage is ${shrinkage}, allowed is above 0 and up to 1`);
    }
    const floor = trace.mul(shrinkage / d).maximum(1e-12);
    const gain = values
      .mul(1 - shrinkage)
      .add(floor)
      .rsqrt()
      .sub(floor.rsqrt());
    return (rows) =>
      tf.tidy(() =>
        rows.mul(floor.rsqrt()).add(matMul(matMul(rows, directions).mul(gain), directions, false, true)),
      );
  };
}

/** (d, dimensions): the first principal directions of the rows, and random ones orthogonal to these for the rest. */
function projection(rows: Tensor, dimensions: number, seed: number): Tensor {
  const { values, directions } = principal(rows, 1);
  const kept = Math.min(values.shape[0], dimensions);
  const [d, found] = directions.shape as [number, number];
  // Eigenvalues come in ascending order.
  const first = tf.slice(directions, [0, found - kept], [d, kept]);
  const rest = dimensions - kept;
  if (rest === 0) return first;
  const random = new Random(seed);
  const drawn = tf.tensor2d(signs(d * rest, 1 / Math.sqrt(rest), random), [d, rest]);
  return tf.concat([first, drawn.sub(matMul(first, matMul(first, drawn, true, false)))], 1);
}

/** Plus or minus the size, at random (Achlioptas 2003: as good as normally distributed numbers, and sooner made). */
function signs(count: number, size: number, random: Random): Float32Array {
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i += 16) {
    const bits = random.below(2 ** 16);
    for (let k = 0; k < 16 && i + k < count; k++) numbers[i + k] = (bits >> k) & 1 ? size : -size;
  }
  return numbers;
}

/** Eigenvalues of R'R / divisor that are not next to nothing, ascending, and their unit eigenvectors as columns (d, count). */
function principal(rows: Tensor, divisor: number): { values: Tensor; directions: Tensor } {
  const [n, d] = rows.shape as [number, number];
  const small = n < d ? matMul(rows, rows, false, true) : matMul(rows, rows, true, false);
  const [all, vectors] = eigen(small.div(divisor));
  const numbers = all.dataSync();
  const largest = numbers.at(-1) ?? 0;
  // Below this the eigenvectors are rounding noise.
  const from = numbers.findIndex((value) => value > largest * 1e-6 && value > 0);
  if (from < 0) return { values: tf.zeros([0]), directions: tf.zeros([d, 0]) };
  const values = tf.slice(all, from);
  const columns = tf.slice(vectors, [0, from]);
  // u of RR' gives R'u / |R'u| of R'R.
  const directions =
    n < d ? tf.tidy(() => matMul(rows, columns, true, false).div(values.mul(divisor).sqrt())) : columns;
  return { values, directions };
}

/** Eigenvalues of a symmetric matrix, ascending, and their unit eigenvectors as columns. */
export function eigen(symmetric: Tensor): [values: Tensor, vectors: Tensor] {
  const outputs = backend().executeMultipleOutputs(
    'SelfAdjointEigV2',
    [bool('compute_v', true), float()],
    [symmetric],
    2,
  );
  return outputs as [Tensor, Tensor];
}
